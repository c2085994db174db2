"""In which words do the pages speak on which searches are rated and measured?"""

from __future__ import annotations

from hybrid.web.phrases import Phrase

EVALUATE = {
    "helping?": Phrase("Is hybrid helping?", "하이브리드가 도움이 되나요?"),
    "judged_queries": Phrase("Judged queries", "평가된 검색어"),
    "ratings_given_here": Phrase("ratings given here", "여기서 매긴 평가"),
    "measure": Phrase("Measure", "측정"),
    "each_is_asked": Phrase(
        "Each query is asked of this collection: words alone, meaning alone, and fused.",
        "검색어마다 이 컬렉션에 단어만, 의미만, 그리고 결합해서 묻습니다.",
    ),
    "none_judged": Phrase(
        "There are no judged queries yet. {rate}, or put a BEIR folder or a CSV of query, id and grade into the folder "
        "{folder} of the data folder.",
        "아직 평가된 검색어가 없습니다. {rate}, 또는 BEIR 폴더나 검색어·id·점수(query, id, grade)의 CSV를 "
        "데이터 폴더의 {folder} 폴더에 넣으세요.",
    ),
    "rate_some": Phrase("Rate some documents", "문서를 몇 개 평가하세요"),
    "rated_so_far": Phrase(
        "{rate}: {count} queries rated so far.",
        "{rate}: 지금까지 검색어 {count}개를 평가했습니다.",
        "{rate}: 1 query rated so far.",
    ),
    "measured": Phrase("Measured", "측정한 것"),
    "run": Phrase("run", "번호"),
    "data_set": Phrase("data set", "데이터셋"),
    "outcome": Phrase("outcome", "결과"),
    "state_running": Phrase("running", "측정 중"),
    "state_done": Phrase("done", "완료"),
    "state_failed": Phrase("failed", "실패"),
    "asked_of": Phrase("{done} of {total} queries asked", "검색어 {total}개 중 {done}개를 물었습니다"),
    "queries_asked": Phrase("Queries asked", "물은 검색어"),
    "look_again": Phrase("Look again", "다시 보기"),
    "not_measured": Phrase("It could not be measured", "측정하지 못했습니다"),
    "judged_in": Phrase(
        "{count} judged queries, in {took} s.",
        "평가된 검색어 {count}개, {took}초.",
        "1 judged query, in {took} s.",
    ),
    "measures": Phrase("Measures", "지표"),
    "measures_table": Phrase("Table of measures", "지표 표"),
    "against": Phrase("against {single} (95 %)", "{single} 검색과의 차이 (95%)"),
    "chance": Phrase("chance", "우연일 확률"),
    "between": Phrase("{low} to {high}", "{low} ~ {high}"),
    "query_by_query": Phrase("Query by query", "검색어별"),
    "queries_table": Phrase("Table of queries", "검색어 표"),
    "query": Phrase("query", "검색어"),
    "difference": Phrase("difference", "차이"),
    "method_default": Phrase("default", "기본 결합"),
    "method_text": Phrase("text", "단어"),
    "method_vector": Phrase("vector", "의미"),
    "won": Phrase("won {by}", "나음 {by}"),
    "lost": Phrase("lost {by}", "못함 {by}"),
    "even": Phrase("even", "같음"),
    "compare_it": Phrase("compare", "비교"),
    "rate_it": Phrase("rate", "평가"),
}

VERDICTS = {
    "verdict_few": Phrase(
        "nothing can be said: {count} judged queries, and {fewest} are the fewest",
        "아직 말할 수 없습니다. 평가된 검색어가 {count}개인데, 적어도 {fewest}개가 있어야 합니다",
        "nothing can be said: 1 judged query, and {fewest} are the fewest",
    ),
    "verdict_helps": Phrase("hybrid helps ({mean}, {chance})", "하이브리드가 도움이 됩니다 ({mean}, {chance})"),
    "verdict_harms": Phrase(
        "hybrid does not help ({mean}, {chance}): use {single} only",
        "하이브리드가 도움이 되지 않습니다 ({mean}, {chance}). {single} 검색만 쓰세요",
    ),
    "verdict_even": Phrase(
        "hybrid makes no sure difference ({mean}, {chance}): {single} only does as well",
        "하이브리드의 차이가 확실하지 않습니다 ({mean}, {chance}). {single} 검색만으로도 비슷합니다",
    ),
    "figure_bars": Phrase("nDCG@10 with its 95 % interval", "nDCG@10과 95% 구간"),
    "figure_wins": Phrase(
        "{method} against {single} alone, query by query: {won} won, {lost} lost, {even} even",
        "검색어별 {method}과(와) {single} 검색의 차이: {won}개 나음, {lost}개 못함, {even}개 같음",
    ),
    "figure_recall": Phrase(
        "Recall by depth: the share of the relevant documents among the first hits",
        "깊이별 재현율: 앞쪽 결과에 들어 있는 관련 문서의 비율",
    ),
}

JUDGE = {
    "rate_documents": Phrase("Rate documents", "문서 평가하기"),
    "all_queries": Phrase("All queries", "모든 검색어"),
    "answers_this?": Phrase("Does the document answer this?", "문서가 이 검색어에 맞나요?"),
    "rated_of": Phrase("{rated} of {total} rated", "{total}개 중 {rated}개 평가"),
    "rated": Phrase("Rated", "평가함"),
    "keys": Phrase(
        "{zero}–{three} rate, {x} cannot tell, {j} {k} or arrows move, {u} undo",
        "{zero}–{three} 평가, {x} 판단 불가, {j} {k} 또는 화살표로 이동, {u} 되돌리기",
    ),
    "not_saved": Phrase("Not saved: {why}", "저장하지 못했습니다: {why}"),
    "document_number": Phrase("Document {number}", "문서 {number}"),
    "no_text": Phrase("(no text)", "(내용 없음)"),
    "grade_3": Phrase("exactly right", "아주 정확함"),
    "grade_2": Phrase("good", "좋음"),
    "grade_1": Phrase("related", "관련 있음"),
    "grade_0": Phrase("wrong", "맞지 않음"),
    "cannot_tell": Phrase("cannot tell", "판단 불가"),
    "take_back": Phrase("take back", "평가 취소"),
    "rank": Phrase("rank {number}", "{number}위"),
    "not_in_answer": Phrase("not in the answer", "결과에 없음"),
    "somebody": Phrase("somebody", "누군가"),
    "someone": Phrase("someone", "익명"),
    "agreed": Phrase("agreed", "합의"),
    "you_differ": Phrase("You differ. What counts?", "의견이 다릅니다. 어느 것으로 할까요?"),
    "what_counts": Phrase("What counts?", "어느 것으로 할까요?"),
    "nothing_to_rate": Phrase(
        "Nothing was found for this query, so there is nothing to rate.",
        "이 검색어로 찾은 문서가 없어 평가할 것이 없습니다.",
    ),
    "among_first": Phrase(
        "Any retriever or fusion had these among its first {depth}. Their order says nothing of where.",
        "어느 검색이나 결합 방식에서든 상위 {depth}개 안에 든 문서입니다. 순서는 순위와 관계없습니다.",
    ),
    "hide_ranks": Phrase("Hide ranks", "순위 숨기기"),
    "show_ranks": Phrase("Show ranks", "순위 보기"),
    "were_taken": Phrase("{count} ratings were taken.", "평가 {count}건을 받았습니다.", "1 rating was taken."),
    "another_query": Phrase("Another query", "다른 검색어"),
    "query_to_rate": Phrase("A query to rate", "평가할 검색어"),
    "your_name": Phrase("your name", "이름"),
    "depth": Phrase("depth", "깊이"),
    "rate_button": Phrase("Rate", "평가"),
    "judges_differ": Phrase(
        "Judges differ about {count} documents",
        "문서 {count}개에 대한 평가가 엇갈립니다",
        "Judges differ about 1 document",
    ),
    "middle_counts": Phrase(
        "Until somebody chooses, the middle counts, of two the lower one.",
        "누군가 고르기 전에는 가운데 점수로, 둘이면 낮은 쪽으로 셉니다.",
    ),
    "rated_documents": Phrase("documents", "문서 수"),
    "files": Phrase("Files", "파일"),
    "export": Phrase("Export: {files}", "내보내기: {files}"),
    "import": Phrase("Import", "가져오기"),
    "read": Phrase("Read", "읽기"),
    "never_overwritten": Phrase(
        "Nothing that is there is overwritten without asking.", "이미 있는 평가는 묻지 않고 덮어쓰지 않습니다."
    ),
}

IMPORT = {
    "import_choice": Phrase("Import ratings: a choice", "평가 가져오기: 선택"),
    "nothing_taken": Phrase("Nothing was taken yet", "아직 아무것도 받지 않았습니다"),
    "file_has": Phrase(
        "The file has {count} ratings that can be read. Some of it needs a choice.",
        "파일에서 평가 {count}건을 읽을 수 있습니다. 일부는 선택이 필요합니다.",
        "The file has 1 rating that can be read. Some of it needs a choice.",
    ),
    "unreadable": Phrase(
        "{count} cannot be read and are left out",
        "{count}건은 읽을 수 없어 제외합니다",
        "1 cannot be read and is left out",
    ),
    "differ": Phrase(
        "{count} differ from what the same judge said here",
        "{count}건은 같은 사람이 여기서 매긴 평가와 다릅니다",
        "1 differs from what the same judge said here",
    ),
    "here_in_file": Phrase("here {old}, in the file {new}", "여기서는 {old}, 파일에서는 {new}"),
    "more_lines": Phrase("and {count} more", "그 밖에 {count}건"),
    "take_files": Phrase("take those of the file instead", "파일에 있는 평가로 바꾸기"),
    "no_document": Phrase(
        "{count} of documents that are not there",
        "{count}건은 없는 문서에 대한 평가입니다",
        "1 of a document that is not there",
    ),
    "no_query": Phrase(
        "{count} of queries that nobody rated here",
        "{count}건은 여기서 아무도 평가하지 않은 검색어에 대한 것입니다",
        "1 of a query that nobody rated here",
    ),
    "take_these": Phrase("take these, too", "이것도 받기"),
    "take_rest": Phrase("Take the rest", "나머지 받기"),
}

PHRASES = EVALUATE | VERDICTS | JUDGE | IMPORT
