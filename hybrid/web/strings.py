"""In which words does the page speak? One table a language; what an answer or a document says is in neither.

A language joins with one more `Strings`, all of whose fields must be given.
"""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import LanguageAccept

from hybrid.web import words


@dataclass(frozen=True, slots=True)
class Strings:
    """What the page says in one language. lang: its code. {…} stands for what is put in."""

    lang: str
    title: str
    search: str
    search_in: str
    settings: str
    search_by: str
    both: str
    text_only: str
    vector_only: str
    fusion: str
    text_weight: str
    vector_weight: str
    limit: str
    filter: str
    standard: str
    rrf: str
    weighted: str
    as_tuned: str
    text: str
    vector: str
    text_finds: str
    vector_finds: str
    both_asked: str
    results_one: str
    results_many: str
    results_from: str
    of_matches: str
    of_matches_one: str
    of_all: str
    of_all_one: str
    more_than: str
    in_ms: str
    under_a_ms: str
    found: str
    found_by: str
    score: str
    no_answer: str
    these_from: str
    step_lost: str
    joined: str
    script_unread: str
    window_ends: str
    narrow: str
    clear_all: str
    chosen: str
    remove: str
    more: str
    at_least: str
    at_most: str
    lowest: str
    highest: str
    apply: str
    counts_matches: str
    counts_all: str
    sort_by: str
    by_relevance: str
    yes: str
    no: str
    nothing_found: str
    nothing_found_for: str
    nothing_here: str
    cut_off: str
    from_the_first: str
    try_other: str
    no_document_passes: str
    without: str
    without_one: str
    no_words: str
    ask_meaning: str
    did_you_mean: str
    next_page: str
    as_json: str
    bar_says: str
    why: str
    why_not: str
    retriever: str
    status: str
    rank: str
    raw_score: str
    normalized: str
    weight: str
    contribution: str
    hit: str
    not_found: str
    not_in_window: str
    no_match: str
    missing: str
    failed: str
    skipped: str
    other_question: str
    other_label: str
    other_ask: str
    other_found: str
    other_not_found: str
    other_unknown: str
    other_filtered: str
    other_left_out: str
    time_line: str
    evidence: str
    document_json: str
    suggestions: str
    how_to_use: str
    available: str
    available_one: str
    none_available: str
    highlighted: str
    taken: str
    reasons: dict[str, str]
    store_sentence: str

    def value(self, text: str) -> str:
        """A boolean in words."""
        return self.yes if text == "true" else self.no

    def name(self, retriever: str) -> str:
        """What a retriever is called."""
        return {"text": self.text, "vector": self.vector}.get(retriever, retriever)

    def state(self, status: str) -> str:
        """What a retriever's status on a hit is called."""
        return str(getattr(self, status, status))

    def store(self, retriever: str, reason: str) -> str:
        """What is wrong with a store, as a sentence; never what it said itself."""
        return self.store_sentence.format(name=self.name(retriever), reason=self.reasons.get(reason, self.failed))


ENGLISH = Strings(
    lang="en",
    title="Hybrid search",
    search="Search",
    search_in="Search {name}",
    settings="Search settings",
    search_by="Search by",
    both="Words and meaning",
    text_only="Words only",
    vector_only="Meaning only",
    fusion="Fusion",
    text_weight="Text weight",
    vector_weight="Vector weight",
    limit="Results",
    filter="Filter",
    standard="By scores and evidence (standard)",
    rrf="By ranks (rrf)",
    weighted="By scores (weighted)",
    as_tuned="As tuned ({name})",
    text="text",
    vector="vector",
    text_finds="finds the words you type.",
    vector_finds="finds what means the same.",
    both_asked="Both are asked at once, and every result says which of them found it.",
    results_one="1 result",
    results_many="{count} results",
    results_from="Results {first}–{last}",
    of_matches="({more}{count} documents have a word of it)",
    of_matches_one="({more}{count} document has a word of it)",
    of_all="({more}{count} documents in all)",
    of_all_one="({more}{count} document in all)",
    more_than="more than ",
    in_ms=" in {ms} ms",
    under_a_ms=" in under 1 ms",
    found="{name} {count} found",
    found_by="Found by",
    score="score",
    no_answer="{name} no answer",
    these_from="These results come from {names} only.",
    step_lost="The step {step} {reason}, so the results come without it.",
    joined=" and ",
    script_unread="The embedding model cannot read this script, so these results are found by their words alone.",
    window_ends="Each retriever was asked for its best {window}; add window={larger} to the address for more.",
    narrow="Narrow the results",
    clear_all="Clear all",
    chosen="Chosen",
    remove="remove",
    more="Show more",
    at_least="{name} from {end}",
    at_most="{name} up to {end}",
    lowest="from",
    highest="to",
    apply="Apply",
    counts_matches="Numbers count documents that have a word of the query.",
    counts_all="Numbers count the documents that pass the filter.",
    sort_by="Sort by",
    by_relevance="Relevance",
    yes="yes",
    no="no",
    nothing_found="Nothing found",
    nothing_found_for="Nothing found for “{query}”",
    nothing_here="Nothing to show on this page",
    cut_off="Documents were found, and the address leaves none of them: by its limit, offset, min_score or the like.",
    from_the_first="Show them from the first",
    try_other="Try fewer words, other words, or a look at the search settings.",
    no_document_passes="No document passes the filter: it emptied the list, not the query.",
    without="Without {words}: {count} documents",
    without_one="Without {words}: {count} document",
    no_words="No document that passes the filter has a word of the query.",
    ask_meaning="Search by meaning too",
    did_you_mean="Did you mean",
    next_page="More results",
    as_json="This answer as JSON",
    bar_says="The bar shows how much text and vector search each add to a score.",
    why="Why this result",
    why_not="Ask why a retriever did not find it",
    retriever="Retriever",
    status="Status",
    rank="Rank",
    raw_score="Raw score",
    normalized="Normalised",
    weight="Weight",
    contribution="Adds",
    hit="found",
    not_found="not found",
    not_in_window="further down",
    no_match="no match",
    missing="not in its store",
    failed="failed",
    skipped="not asked",
    other_question="Why is a document not here?",
    other_label="Its id",
    other_ask="Explain",
    other_found="Document {id} is number {rank} of this answer.",
    other_not_found="Document {id} is not among the {window} best of either retriever.",
    other_unknown="There is no document {id}.",
    other_filtered="Document {id} does not pass the filter.",
    other_left_out="Document {id} was found, but left out after fusion, as by min_score, collapse or knee.",
    time_line="Where the time went",
    evidence="What each retriever was trusted by",
    document_json="Document {id} as JSON",
    suggestions="Suggestions",
    how_to_use="When suggestions are there, use the up and down arrows to look at them and Enter to take one. "
    "By touch, explore them or swipe.",
    available="{count} suggestions are available.",
    available_one="{count} suggestion is available.",
    none_available="No suggestions.",
    highlighted="{words}, {number} of {count}, is highlighted.",
    taken="{words} was taken.",
    reasons=words.REASONS,
    store_sentence="The {name} store {reason}.",
)

KOREAN = Strings(
    lang="ko",
    title="하이브리드 검색",
    search="검색",
    search_in="{name} 검색",
    settings="검색 설정",
    search_by="검색 방법",
    both="단어와 의미",
    text_only="단어만",
    vector_only="의미만",
    fusion="결합 방식",
    text_weight="단어 가중치",
    vector_weight="의미 가중치",
    limit="결과 수",
    filter="필터",
    standard="점수와 근거로 (standard)",
    rrf="순위로 (rrf)",
    weighted="점수로 (weighted)",
    as_tuned="조정된 대로 ({name})",
    text="단어",
    vector="의미",
    text_finds="검색은 입력한 단어를 찾습니다.",
    vector_finds="검색은 뜻이 같은 것을 찾습니다.",
    both_asked="두 검색이 동시에 이루어지고, 결과마다 어느 쪽이 찾았는지 보여 줍니다.",
    results_one="결과 1개",
    results_many="결과 {count}개",
    results_from="결과 {first}–{last}",
    of_matches="(단어가 있는 문서 {count}개{more})",
    of_matches_one="(단어가 있는 문서 {count}개{more})",
    of_all="(전체 문서 {count}개{more})",
    of_all_one="(전체 문서 {count}개{more})",
    more_than=" 이상",
    in_ms=", {ms} ms",
    under_a_ms=", 1 ms 미만",
    found="{name} {count}건",
    found_by="찾은 검색",
    score="점수",
    no_answer="{name} 응답 없음",
    these_from="이 결과는 {names} 검색에서만 나온 것입니다.",
    step_lost="{step} 단계가 {reason}. 결과는 이 단계 없이 나온 것입니다.",
    joined=", ",
    script_unread="임베딩 모델이 이 문자를 읽지 못해 단어로만 찾은 결과입니다.",
    window_ends="검색마다 가장 좋은 {window}개까지 물었습니다. 더 보려면 주소에 window={larger}를 더하세요.",
    narrow="결과 좁히기",
    clear_all="모두 지우기",
    chosen="선택한 조건",
    remove="지우기",
    more="더 보기",
    at_least="{name} {end} 이상",
    at_most="{name} {end} 이하",
    lowest="최소",
    highest="최대",
    apply="적용",
    counts_matches="숫자는 검색어의 단어가 있는 문서 수입니다.",
    counts_all="숫자는 필터를 통과하는 문서 수입니다.",
    sort_by="정렬",
    by_relevance="관련도순",
    yes="예",
    no="아니요",
    nothing_found="결과가 없습니다",
    nothing_found_for="“{query}”에 대한 결과가 없습니다",
    nothing_here="이 페이지에 보여 줄 결과가 없습니다",
    cut_off="찾은 문서가 있지만 주소의 limit, offset, min_score 같은 조건 때문에 하나도 보이지 않습니다.",
    from_the_first="처음부터 보기",
    try_other="단어를 줄이거나 바꾸거나, 검색 설정을 확인해 보세요.",
    no_document_passes="필터를 통과하는 문서가 없습니다. 검색어가 아니라 필터 때문입니다.",
    without="{words} 조건 없이: 문서 {count}개",
    without_one="{words} 조건 없이: 문서 {count}개",
    no_words="필터를 통과하는 문서 가운데 검색어의 단어가 있는 것이 없습니다.",
    ask_meaning="의미로도 검색하기",
    did_you_mean="이것을 찾으셨나요?",
    next_page="결과 더 보기",
    as_json="이 결과를 JSON으로",
    bar_says="막대는 단어 검색과 의미 검색이 점수에 각각 얼마나 더했는지 보여 줍니다.",
    why="이 결과가 나온 이유",
    why_not="찾지 못한 이유 묻기",
    retriever="검색",
    status="상태",
    rank="순위",
    raw_score="원점수",
    normalized="정규화",
    weight="가중치",
    contribution="기여",
    hit="찾음",
    not_found="찾지 못함",
    not_in_window="더 아래 순위",
    no_match="일치 없음",
    missing="저장소에 없음",
    failed="실패",
    skipped="묻지 않음",
    other_question="어떤 문서가 왜 없나요?",
    other_label="문서 id",
    other_ask="설명",
    other_found="문서 {id}은(는) 이 결과의 {rank}번째입니다.",
    other_not_found="문서 {id}은(는) 어느 검색에서도 상위 {window}개 안에 없습니다.",
    other_unknown="문서 {id}이(가) 없습니다.",
    other_filtered="문서 {id}은(는) 필터를 통과하지 못합니다.",
    other_left_out="문서 {id}을(를) 찾았지만 min_score, collapse, knee 같은 조건 때문에 결과에서 빠졌습니다.",
    time_line="걸린 시간",
    evidence="검색별 신뢰 근거",
    document_json="문서 {id} (JSON)",
    suggestions="추천 검색어",
    how_to_use="추천 검색어가 나오면 위아래 화살표로 살펴보고 Enter로 고르세요. 터치로는 살펴보거나 쓸어 넘기세요.",
    available="추천 검색어 {count}개가 있습니다.",
    available_one="추천 검색어 {count}개가 있습니다.",
    none_available="추천 검색어가 없습니다.",
    highlighted="{words}, {count}개 중 {number}번째.",
    taken="{words}을(를) 골랐습니다.",
    reasons={
        "deadline": "제때 응답하지 않았습니다",
        "store_timeout": "제때 응답하지 않았습니다",
        "store_unavailable": "연결되지 않습니다",
        "store_denied": "접근을 거부했습니다",
        "store_full": "여유가 없거나 과부하입니다",
        "store_reply": "알 수 없는 답을 했거나 컬렉션이 없습니다",
        "store": "실패했습니다",
        "embedding": "검색어를 벡터로 바꿀 수 없어 묻지 못했습니다",
        "model_not_found": "임베딩 모델이 없어 묻지 못했습니다",
        "missing_extra": "선택 구성 요소가 설치되지 않아 묻지 못했습니다",
        "collection_mismatch": "설정과 맞지 않는 컬렉션을 가지고 있습니다",
        "invalid_query": "검색어를 받아들이지 못했습니다",
        "circuit_open": "한동안 응답이 없어 곧 다시 묻습니다",
        "overloaded": "기다리는 검색이 너무 많습니다",
        "internal": "실패했습니다",
    },
    store_sentence="{name} 저장소가 {reason}.",
)

LANGUAGES = {one.lang: one for one in (ENGLISH, KOREAN)}


def chosen(asked: str, accepted: LanguageAccept) -> Strings:
    """The words of the language that an address asks for, else of the best that the browser accepts, else English."""
    best = asked if asked in LANGUAGES else accepted.best_match(LANGUAGES, "en")
    return LANGUAGES[best or "en"]
