"""In which words is a problem told that a browser sees? In English by its table of codes, in Korean by this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hybrid.web.codes import Code
from hybrid.web.phrases import Phrase

PHRASES = {
    "heading_collection_not_found": Phrase("Nothing to search yet", "아직 검색할 것이 없습니다"),
    "heading_cursor_gone": Phrase("These results are not kept any more", "이 결과는 더 이상 보관되지 않습니다"),
    "heading_404": Phrase("There is no such page", "없는 페이지입니다"),
    "heading_400": Phrase("That cannot be searched for", "그렇게는 검색할 수 없습니다"),
    "heading_500": Phrase("Something went wrong", "문제가 생겼습니다"),
    "heading_503": Phrase("Search is not available right now", "지금은 검색할 수 없습니다"),
    "problems_by_code": Phrase("Problems, by code", "코드별 문제"),
    "problem_status": Phrase("Status {status}. {title}.", "상태 {status}. {title}."),
    "all_codes": Phrase("All codes", "모든 코드"),
    "in_servers_words": Phrase("In the server's words:", "서버의 설명(영어):"),
}

_AGAIN = (
    "Retry-After가 알려 주는 시간(초)이 지난 뒤 다시 시도하세요. 계속되면 운영자는 로그에서 이유를 찾을 수 있습니다."
)
_LOG = "운영자에게 request_id를 알려 주세요. 자세한 내용이 그 번호로 로그에 있습니다."
_DETAIL = "detail이 가리키는 것을 고치세요."
_READ_AGAIN = "문서를 다시 읽고 새로 결정하세요."

KOREAN: Mapping[str, tuple[str, str, str]] = {
    "bad_request": (
        "요청을 읽을 수 없습니다",
        "요청의 형식이 잘못되었거나, 서버를 자기 것이 아닌 이름으로 불렀습니다.",
        _DETAIL,
    ),
    "invalid_json": (
        "본문이 필요한 JSON이 아닙니다",
        "본문이 UTF-8 JSON이 아니거나, 너무 깊이 겹쳐 있거나, 여기에 필요한 객체나 배열이 아닙니다.",
        "detail이 요구하는 것을 보내세요. 여러 줄의 본문에서는 한 줄이 JSON 객체 하나입니다.",
    ),
    "invalid_query": (
        "인자가 잘못되었습니다",
        "인자나 본문의 키가 알 수 없는 것이거나, 형식이 다르거나, 범위를 벗어났습니다.",
        "errors를 하나씩 고치세요. 인자나 본문의 위치, 그리고 올바른 값을 알려 줍니다.",
    ),
    "invalid_filter": (
        "필터를 쓸 수 없습니다",
        "필터를 읽을 수 없거나, 컬렉션에 없는 필드나 값을 가리킵니다.",
        "식에서는 position을, JSON 필터에서는 errors의 pointer를 확인하세요.",
    ),
    "invalid_cursor": (
        "이 검색에서 받은 커서가 아닙니다",
        "다른 검색의 커서이거나, 오는 길에 바뀌었습니다.",
        "next_cursor를 받은 그대로, 그 결과의 인자와 함께 보내세요.",
    ),
    "invalid_fusion": (
        "순위를 그렇게 결합할 수 없습니다",
        "결합 방식을 알 수 없거나, 주어진 k, 가중치, 정규화를 받지 않는 방식입니다.",
        "detail이 가리키는 것을 고치세요. 쓸 수 있는 방식도 알려 줍니다.",
    ),
    "invalid_schema": (
        "이것으로는 컬렉션을 만들 수 없습니다",
        "컬렉션의 첫 문서들에서 필드의 형식이 서로 맞지 않습니다.",
        "필드마다 한 가지 형식을 쓰거나, 운영자의 설정에 필드를 적으세요.",
    ),
    "invalid_input": ("주어진 것이 잘못되었습니다", "쓸 수 없는 것이 있습니다. 바뀐 것은 없습니다.", _DETAIL),
    "unauthorized": (
        "토큰이 필요합니다",
        "서버에 토큰이 있는데, 요청에 맞는 토큰이 없습니다.",
        "Authorization: Bearer TOKEN을 보내거나, 브라우저에서는 토큰을 비밀번호로 입력하세요.",
    ),
    "forbidden": (
        "이 토큰으로는 할 수 없습니다",
        "토큰의 역할이 다르거나, 토큰에 필터가 있거나, 다른 출처의 페이지가 무언가를 바꾸려 했습니다.",
        "detail이 가리키는 역할의 토큰을 쓰세요.",
    ),
    "not_found": (
        "이 주소에는 아무것도 없습니다",
        "이 경로에 해당하는 기능이 없습니다.",
        "/openapi.json이나 /docs에서 경로를 확인하세요.",
    ),
    "collection_not_found": (
        "그런 컬렉션이 없습니다",
        "컬렉션의 이름이 다르거나, 아직 아무것도 쓰지 않았습니다.",
        "collection을 빼거나 첫 문서를 쓰세요. 그러면 컬렉션이 만들어집니다.",
    ),
    "document_not_found": (
        "그런 문서가 없습니다",
        "이 id의 문서가 없거나 삭제되었습니다.",
        "id를 확인하세요. id는 그대로 쓰이며, URL에서는 퍼센트 인코딩합니다.",
    ),
    "method_not_allowed": (
        "이 주소는 그 메서드를 받지 않습니다",
        "경로는 맞지만 메서드가 다릅니다.",
        "Allow 헤더가 알려 주는 것 중 하나를 쓰세요.",
    ),
    "document_conflict": (
        "문서가 예상과 다릅니다",
        "문서의 값이 expected와 달라 아무것도 바꾸지 않았습니다.",
        _READ_AGAIN,
    ),
    "collection_mismatch": (
        "컬렉션이 설정과 맞지 않습니다",
        "서버의 설정과 다른 모델, 스키마 또는 형식으로 만든 컬렉션입니다.",
        "운영자가 만들 때의 설정으로 열거나 새로 색인해야 합니다: hybrid reindex.",
    ),
    "cursor_gone": (
        "결과가 더 이상 보관되지 않습니다",
        "커서는 최대 10분 동안 보관되는 결과를 이어서 보여 줍니다.",
        "다시 검색하세요.",
    ),
    "precondition_failed": (
        "그사이 문서가 바뀌었습니다",
        "If-Match의 ETag가 지금 문서의 것과 달라 아무것도 바꾸지 않았습니다.",
        _READ_AGAIN,
    ),
    "request_entity_too_large": (
        "본문이 너무 큽니다",
        "본문이 16 MB를 넘어 읽지 않았습니다. 여러 줄의 본문은 더 길어도 되지만, 한 줄은 안 됩니다.",
        "한 번에 더 적게 보내세요. 문서가 많으면 POST /api/v1/documents에 여러 줄로 보내세요.",
    ),
    "unsupported_media_type": (
        "본문의 형식이 다릅니다",
        "Content-Type 헤더가 이 기능이 받는 것과 다른 형식을 가리킵니다.",
        "Content-Type: application/json으로, 여러 줄의 문서는 application/x-ndjson으로 보내세요.",
    ),
    "invalid_document": (
        "문서를 받을 수 없습니다",
        "문서에 id가 없거나, 값의 형식이 필드와 다르거나, 벡터가 맞지 않습니다.",
        "errors를 하나씩 고치세요. 문서는 전혀 쓰이지 않았습니다.",
    ),
    "too_many_requests": (
        "요청이 너무 많습니다",
        "RateLimit-Policy가 알려 주는 시간 동안 운영자가 허용하는 것보다 많은 요청을 보냈습니다.",
        "Retry-After가 알려 주는 시간(초)만큼 기다리세요.",
    ),
    "internal": ("예상하지 못한 문제가 생겼습니다", "서버의 결함입니다. 요청이 잘못된 것이 아닙니다.", _LOG),
    "embedding": ("내용을 벡터로 바꾸지 못했습니다", "임베딩 모델이 글을 처리하지 못했습니다.", _LOG),
    "invalid_settings": ("서버 설정이 잘못되었습니다", "설정이 빠졌거나 서로 어긋납니다.", _LOG),
    "missing_extra": (
        "서버의 구성 요소가 설치되지 않았습니다",
        "요청에 필요한 선택 구성 요소가 서버에 없습니다.",
        _LOG,
    ),
    "engine_closed": (
        "서버가 종료되는 중입니다",
        "요청이 오는 동안 엔진이 닫혔습니다.",
        "서버가 돌아오면 다시 시도하세요.",
    ),
    "search_unavailable": (
        "어느 검색도 응답하지 못했습니다",
        "물은 검색이 모두 응답하지 못했습니다. 이유는 retrievers에 있습니다. 빈 결과를 대신 주지는 않습니다.",
        _AGAIN,
    ),
    "retriever_required": (
        "꼭 필요한 검색이 응답하지 않았습니다",
        "require가 가리키는 검색이, 또는 policy가 fail일 때 어느 하나가 응답하지 않았습니다.",
        "다시 시도하거나, policy를 partial로 하여 나머지가 찾은 것을 받으세요.",
    ),
    "overloaded": (
        "기다리는 검색이 너무 많습니다",
        "먼저 온 검색이 제때 응답하도록 이 검색은 시작하지 않았습니다.",
        "Retry-After가 알려 주는 시간(초)이 지난 뒤, 또는 한 번에 더 적은 검색으로 다시 시도하세요.",
    ),
    "store": (
        "저장소가 실패했습니다",
        "저장소가 요청받은 일을 하지 못했습니다. 어느 저장소인지는 store에 있습니다.",
        _AGAIN,
    ),
    "store_unavailable": (
        "저장소에 연결할 수 없습니다",
        "저장소가 연결을 거부하거나 아직 시작하는 중입니다. 어느 저장소인지는 store에 있습니다.",
        _AGAIN,
    ),
    "store_timeout": (
        "저장소가 제때 응답하지 않았습니다",
        "저장소가 제때 응답하지 않았습니다. 어느 저장소인지는 store에 있습니다. 쓰기가 되었는지는 알 수 없지만, "
        "다시 보내도 해가 없습니다.",
        _AGAIN,
    ),
    "store_denied": (
        "저장소가 접근을 거부했습니다",
        "저장소가 서버의 자격 증명을 거부했습니다. 어느 저장소인지는 store에 있습니다.",
        "운영자가 서버의 자격 증명을 고쳐야 합니다.",
    ),
    "store_full": (
        "저장소에 여유가 없습니다",
        "저장소의 메모리나 디스크가 없거나 요청이 너무 많습니다. 어느 저장소인지는 store에 있습니다.",
        _AGAIN,
    ),
    "store_reply": (
        "저장소가 알 수 없는 답을 했습니다",
        "저장소에 색인이 없거나, 이런 종류의 저장소가 아닙니다. 어느 저장소인지는 store에 있습니다.",
        _AGAIN,
    ),
    "journal": (
        "변경을 기록하지 못했습니다",
        "저널에 쓸 수 없어 어느 저장소도 건드리지 않았고, 바뀐 것은 없습니다.",
        _AGAIN,
    ),
    "backlog_full": (
        "기다리는 변경이 너무 많습니다",
        "저장소가 너무 뒤처져 변경을 더 받지 않습니다. 바뀐 것은 없습니다.",
        _AGAIN,
    ),
    "model_not_found": (
        "임베딩 모델을 쓸 수 없습니다",
        "모델 파일이 서버에 없고 내려받을 수도 없습니다.",
        _LOG,
    ),
}
"""By code: its title, what it means, and what to do."""


def told(code: Code, lang: str) -> Code:
    """The code in the words of a language."""
    if lang != "ko":
        return code
    title, means, do = KOREAN[code.code]
    return replace(code, title=title, means=means, do=do)
