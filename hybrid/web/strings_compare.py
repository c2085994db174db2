"""In which words does the page speak that compares settings?"""

from __future__ import annotations

from hybrid.web.phrases import Phrase

PHRASES = {
    "compare_settings": Phrase("Compare settings", "설정 비교"),
    "compare_query": Phrase("Query", "검색어"),
    "compare_filter": Phrase("Filter", "필터"),
    "compare_now": Phrase("Compare", "비교하기"),
    "saved_as_preset": Phrase(
        "Saved as the preset {name}. Use it with: hybrid serve --preset {name}",
        "프리셋 {name}(으)로 저장했습니다. 이렇게 씁니다: hybrid serve --preset {name}",
    ),
    "setting_of": Phrase("Setting {name}", "설정 {name}"),
    "setting_method": Phrase("Method", "방법"),
    "weight_of_text": Phrase("Text weight", "단어 가중치"),
    "weight_of_vector": Phrase("Vector weight", "의미 가중치"),
    "rank_constant": Phrase("Rank constant k", "순위 상수 k"),
    "rank_window": Phrase("Window", "순위 창"),
    "like_the_first": Phrase("Like A:", "A와 닮은 정도:"),
    "jaccard_means": Phrase(
        "The part of all documents of both lists that both have", "두 목록의 모든 문서 가운데 둘 다 가진 것의 비율"
    ),
    "rbo_means": Phrase(
        "Rank-biased overlap: agreement at each depth, the first places counting most (p = .9)",
        "순위 가중 겹침: 깊이마다 얼마나 일치하는지, 앞자리일수록 크게 셉니다 (p = .9)",
    ),
    "others_like_this": Phrase("The others are compared with this one.", "다른 설정을 이것과 비교합니다."),
    "remove_setting": Phrase("Remove", "빼기"),
    "moved_new": Phrase("new", "새로"),
    "nothing_found": Phrase("Nothing found", "찾은 것이 없습니다"),
    "lists_of_before": Phrase("The lists are those of before: {why}", "목록은 바꾸기 전의 것입니다: {why}"),
    "compare_once_more": Phrase("Compare again", "다시 비교하기"),
    "add_setting": Phrase("Add a setting", "설정 추가"),
    "compare_json": Phrase("As JSON", "JSON으로"),
    "save_setting": Phrase("Save setting", "저장할 설정"),
    "as_the_preset": Phrase("as the preset", "프리셋 이름"),
    "save_it": Phrase("Save", "저장"),
    "short_address": Phrase("Short address of what was kept", "보관한 상태의 짧은 주소"),
    "keep_too": Phrase("Keep this state too", "이 상태도 보관하기"),
    "make_short": Phrase("Make a short address", "짧은 주소 만들기"),
}
