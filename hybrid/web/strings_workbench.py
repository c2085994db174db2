"""In which words do the pages of a collection speak? Of its state, its documents, and files that become documents."""

from __future__ import annotations

from hybrid.web.phrases import Phrase, same

SHARED = {
    "nav_label": Phrase("Pages", "페이지"),
    "nav_Search": Phrase("Search", "검색"),
    "nav_Compare": Phrase("Compare", "비교"),
    "nav_Evaluate": Phrase("Evaluate", "평가"),
    "nav_Collections": Phrase("Collections", "컬렉션"),
    "nav_API": Phrase("API", "API"),
    "as_json": Phrase("This page as JSON", "이 페이지를 JSON으로"),
    "hours": Phrase("{count} hours", "{count}시간"),
    "minutes": Phrase("{count} minutes", "{count}분"),
    "seconds": Phrase("{number} s", "{number}초"),
    "rate": Phrase("{percent} % of {count}", "{count}번 중 {percent}%"),
    "not_asked_yet": Phrase("not asked yet", "아직 묻지 않음"),
    "yes": Phrase("yes", "예"),
    "no": Phrase("no", "아니요"),
    "none": Phrase("none", "없음"),
    "no_answer": Phrase("no answer", "응답 없음"),
    "line": Phrase("line {line}", "{line}번째 줄"),
}

COLLECTION = {
    "all_well": Phrase("all is well", "모두 정상입니다"),
    "All_well": Phrase("All is well", "모두 정상입니다"),
    "well_means": Phrase(
        "Both stores answer, the journal can be written, and no store is owed a change.",
        "두 저장소가 응답하고, 저널에 쓸 수 있으며, 저장소에 밀린 변경이 없습니다.",
    ),
    "wrong": Phrase("{count} things are wrong", "문제가 {count}가지 있습니다", "1 thing is wrong"),
    "since": Phrase("since {at}", "{at}부터"),
    "nothing_indexed": Phrase("Nothing is indexed yet", "아직 색인된 문서가 없습니다"),
    "send_below": Phrase(
        "Send a file below, or on a command line: {command}",
        "파일을 아래에서 보내거나 명령줄에서 실행하세요: {command}",
    ),
    "stores": Phrase("Stores", "저장소"),
    "words": Phrase("Words", "단어"),
    "meaning": Phrase("Meaning", "의미"),
    "documents": Phrase("documents", "개 문서", "document"),
    "circuit": Phrase(
        "Circuit {state}, opened {count} times", "회로 차단기: {state}, {count}번 열림", "Circuit {state}, opened once"
    ),
    "circuit_closed": Phrase("closed", "닫힘"),
    "circuit_open": Phrase("open", "열림"),
    "circuit_half_open": Phrase("half open", "반쯤 열림"),
    "agree?": Phrase("Do the stores agree?", "저장소가 서로 일치하나요?"),
    "compared": Phrase(
        "Compared {at}, in {took} s: {count} documents, {outcome}.",
        "{at}에 문서 {count}개를 {took}초 만에 비교했습니다: {outcome}.",
        "Compared {at}, in {took} s: 1 document, {outcome}.",
    ),
    "no_difference": Phrase("no difference", "차이 없음"),
    "faulty": Phrase("{count} {fault}", "{fault} {count}개"),
    "fault_missing": Phrase("missing", "누락"),
    "fault_stale": Phrase("stale", "옛 버전"),
    "fault_orphan": Phrase("orphan", "삭제되지 않음"),
    "fault_torn": Phrase("torn", "내용이 다름"),
    "left_out": Phrase(
        "{count} changes in the journal were left out.",
        "저널에 있는 변경 {count}건은 제외했습니다.",
        "1 change in the journal was left out.",
    ),
    "repaired": Phrase("{count} repaired.", "{count}개를 복구했습니다."),
    "differing_table": Phrase("Table of what differs", "차이 나는 문서 표"),
    "document": Phrase("document", "문서"),
    "is": Phrase("is", "문제"),
    "in": Phrase("in", "위치"),
    "both": Phrase("both", "둘 다"),
    "version_of": Phrase("{name} version", "{name} 버전"),
    "repairing": Phrase(
        "Repairing gives what is behind the newest version that either store has; nothing is embedded anew.",
        "복구하면 뒤처진 쪽을 두 저장소 중 최신 버전으로 맞춥니다. 임베딩은 다시 만들지 않습니다.",
    ),
    "repair": Phrase("Repair {count} documents", "문서 {count}개 복구", "Repair 1 document"),
    "not_compared": Phrase("Not compared since this server started.", "이 서버가 시작된 뒤로 비교한 적이 없습니다."),
    "compare": Phrase("Compare the stores", "저장소 비교"),
    "compare_again": Phrase("Compare the stores again", "저장소 다시 비교"),
    "compare_reads": Phrase("reads both, changes nothing", "둘 다 읽기만 하고 바꾸지 않습니다"),
    "journal": Phrase("Journal and caches", "저널과 캐시"),
    "in_journal": Phrase("changes in the journal", "저널에 있는 변경"),
    "owed_to": Phrase("owed to {store}", "{store}에 밀린 변경"),
    "oldest": Phrase("oldest", "가장 오래된 변경"),
    "never_taken": Phrase("never taken by a store", "저장소가 받지 못하는 변경"),
    "cache": Phrase("cache of {cache}: hits", "{cache} 캐시 적중"),
    "cache_queries": Phrase("queries", "검색어"),
    "cache_answers": Phrase("answers", "결과"),
    "one_document": Phrase("One document", "문서 하나 보기"),
    "id": Phrase("id", "id"),
    "show_copies": Phrase("Show both copies", "두 사본 보기"),
    "fields": Phrase("Fields", "필드"),
    "fields_table": Phrase("Table of fields", "필드 표"),
    "field": Phrase("field", "필드"),
    "type": Phrase("type", "형식"),
    "analyzer": Phrase("analyzer", "분석기"),
    "boost": Phrase("boost", "가중치"),
    "in_meaning": Phrase("in the meaning", "의미 검색에 포함"),
    "model": Phrase("Model: {name}", "모델: {name}"),
}

STORE_FACTS = same(
    {
        "tombstones": "삭제 표시", "segments": "세그먼트", "size": "크기", "vectors": "벡터", "dimension": "차원",
        "dim": "차원", "metric": "거리 척도", "algorithm": "알고리즘", "memory": "메모리", "tokens": "토큰",
        "passages": "구절", "index": "색인:", "name": "이름", "bytes": "바이트", "shards": "샤드", "replicas": "복제본",
        "bytes_with_replicas": "복제본 포함 바이트", "read_only": "읽기 전용", "server": "서버:", "version": "버전",
        "health": "상태", "nodes": "노드", "unassigned_shards": "배정되지 않은 샤드", "heap_percent": "힙 사용률(%)",
        "disk_free_bytes": "디스크 여유(바이트)", "disk_percent": "디스크 사용률(%)", "type": "형식",
        "indexed": "색인된 비율", "indexing_failures": "색인 실패", "vector_bytes": "벡터(바이트)",
        "filter_bytes": "필터(바이트)", "document_bytes": "문서(바이트)", "search_version": "검색 모듈 버전",
        "used_memory_bytes": "사용 중인 메모리(바이트)", "max_memory_bytes": "메모리 한도(바이트)",
        "eviction_policy": "메모리 부족 시 정책", "append_only_file": "추가 전용 파일", "m": "M",
        "ef_construction": "ef construction",
    },
    "fact_",
)  # fmt: skip
"""What stores tell of themselves, by the keys of `status`."""

DOCUMENT = {
    "in_both": Phrase("{id} in both stores", "두 저장소의 {id}"),
    "newer_waits": Phrase("A newer version waits in the journal", "더 새로운 버전이 저널에서 기다립니다"),
    "newer_means": Phrase(
        "It is owed to: {stores}. It is written when the store answers, or now with: {command}",
        "아직 받지 못한 저장소: {stores}. 저장소가 응답하면 기록되고, 지금 기록하려면 실행하세요: {command}",
    ),
    "store_silent": Phrase("A store does not answer", "응답하지 않는 저장소가 있습니다"),
    "silent_means": Phrase(
        "So nothing can be said of whether they agree. {link}", "그래서 서로 일치하는지 알 수 없습니다. {link}"
    ),
    "what_is_wrong": Phrase("What is wrong", "무엇이 문제인지 보기"),
    "stores_agree": Phrase("Both stores agree", "두 저장소가 일치합니다"),
    "stores_disagree": Phrase("The stores disagree", "두 저장소가 다릅니다"),
    "compare_all": Phrase("Compare all documents, and repair", "모든 문서를 비교하고 복구하기"),
    "copies": Phrase("Copies", "사본"),
    "copies_table": Phrase("Table of copies", "사본 표"),
    "copy_version": Phrase("version", "버전"),
    "copy_hash": Phrase("content hash", "내용 해시"),
    "copy_tombstone": Phrase("tombstone", "삭제 표시"),
    "copy_passages": Phrase("passages", "구절"),
}

TROUBLES = {
    "no_journal": Phrase(
        "The journal cannot be written, so no change is taken.", "저널에 쓸 수 없어 변경을 받지 못합니다."
    ),
    "do_no_journal": Phrase(
        "Free space on the disk of the data folder, and check that this user may write there. The log says more.",
        "데이터 폴더가 있는 디스크에 공간을 만들고, 이 사용자가 쓸 수 있는지 "
        "확인하세요. 로그에 자세한 내용이 있습니다.",
    ),
    "store_down": Phrase("The {name} store ({store}) does not answer.", "{name} 저장소({store})가 응답하지 않습니다."),
    "store_odd": Phrase(
        "The {name} store ({store}) answers, and does not have the collection, or cannot tell of it.",
        "{name} 저장소({store})가 응답하지만, 컬렉션이 없거나 상태를 알려 주지 못합니다.",
    ),
    "do_store_odd": Phrase(
        "hybrid status says why. Where it was emptied or replaced, it gets all from the other with: hybrid repair",
        "hybrid status 명령이 이유를 알려 줍니다. 비었거나 바뀌었다면 다른 저장소에서 되살리세요: hybrid repair",
    ),
    "do_all_down": Phrase(
        "No search is answered. Start {store}, and read its log. {kept}",
        "검색이 되지 않습니다. {store} 서버를 시작하고 로그를 확인하세요. {kept}",
    ),
    "do_text_down": Phrase(
        "Searches are answered by meaning alone. Start {store}, and read its log. {kept}",
        "검색은 의미로만 이루어집니다. {store} 서버를 시작하고 로그를 확인하세요. {kept}",
    ),
    "do_vector_down": Phrase(
        "Searches are answered by words alone. Start {store}, and read its log. {kept}",
        "검색은 단어로만 이루어집니다. {store} 서버를 시작하고 로그를 확인하세요. {kept}",
    ),
    "nothing_lost": Phrase(
        "Nothing is lost: changes wait in the journal, and are written when it answers.",
        "잃는 것은 없습니다. 변경은 저널에서 기다리다가 저장소가 응답하면 기록됩니다.",
    ),
    "circuit_is_open": Phrase(
        "The {name} store is left alone after {count} failures in a row.",
        "{name} 저장소가 {count}번 잇따라 실패하여 잠시 묻지 않습니다.",
        "The {name} store is left alone after 1 failure.",
    ),
    "do_circuit_is_open": Phrase(
        "It is asked again in {seconds} s. Where that goes on, read the store's log.",
        "{seconds}초 뒤에 다시 묻습니다. 계속되면 저장소의 로그를 확인하세요.",
    ),
    "dead": Phrase(
        "{count} changes will never be taken by a store.",
        "변경 {count}건은 저장소가 받지 못합니다.",
        "1 change will never be taken by a store.",
    ),
    "do_dead": Phrase(
        "hybrid status names them, and why. Correct these documents and send them again, or delete them.",
        "hybrid status 명령이 어느 것인지와 이유를 알려 줍니다. 문서를 고쳐 다시 보내거나 삭제하세요.",
    ),
    "owed": Phrase(
        "The {name} store is owed {count} changes.",
        "{name} 저장소에 변경 {count}건이 밀려 있습니다.",
        "The {name} store is owed 1 change.",
    ),
    "do_owed": Phrase(
        "They are written when it answers; where it does already, pay them now with: hybrid repair",
        "저장소가 응답하면 기록됩니다. 이미 응답한다면 지금 실행하세요: hybrid repair",
    ),
    "counts_differ": Phrase(
        "The stores hold different numbers of documents: {told}.", "저장소마다 문서 수가 다릅니다: {told}."
    ),
    "do_counts_differ": Phrase("Compare the stores, below.", "아래에서 저장소를 비교하세요."),
    "drift": Phrase(
        "The stores disagree about {count} documents.",
        "문서 {count}개가 저장소마다 다릅니다.",
        "The stores disagree about 1 document.",
    ),
    "do_drift": Phrase("Look at what differs, below, then repair it.", "아래에서 차이를 확인하고 복구하세요."),
    "do_warning": Phrase("The store's own documentation tells.", "저장소의 문서를 참고하세요."),
}

UPLOAD = {
    "add_documents": Phrase("Add documents", "문서 추가"),
    "jsonl_or_csv": Phrase("JSON lines or CSV", "JSON Lines 또는 CSV"),
    "send": Phrase("Send", "보내기"),
    "sent": Phrase("Sent", "보낸 양"),
    "replaces": Phrase(
        "A document with an id that is there already is replaced. What is rejected is told with its line; the rest is "
        "taken.",
        "이미 있는 id의 문서는 새것으로 바뀝니다. 거절된 것은 줄 번호와 함께 알려 주고, 나머지는 받습니다.",
    ),
    "was_read": Phrase("{name} was read", "{name} 읽음"),
    "rows_read": Phrase("{count} rows read", "{count}행을 읽음", "1 row read"),
    "rows": Phrase("{count} rows", "{count}행", "1 row"),
    "done": Phrase("Done: {said}", "완료: {said}"),
    "sending": Phrase("Sending…", "보내는 중…"),
    "early": Phrase("It ended before the end of the file: {why}", "파일이 끝나기 전에 멈췄습니다: {why}"),
    "ended_early": Phrase("{said}. It ended early: {why}", "{said}. 도중에 멈췄습니다: {why}"),
    "broke": Phrase(
        "The connection broke. Send the file again: what is there already stays as it is.",
        "연결이 끊겼습니다. 파일을 다시 보내세요. 이미 있는 것은 그대로 남습니다.",
    ),
    "rejected": Phrase("Rejected", "거절됨"),
    "first_shown": Phrase("The first {count} are shown.", "처음 {count}개만 보입니다."),
    "outcome_created": Phrase("{count} created", "추가 {count}개"),
    "outcome_updated": Phrase("{count} updated", "수정 {count}개"),
    "outcome_unchanged": Phrase("{count} unchanged", "변경 없음 {count}개"),
    "outcome_deleted": Phrase("{count} deleted", "삭제 {count}개"),
    "outcome_not_found": Phrase("{count} not_found", "없음 {count}개"),
    "outcome_superseded": Phrase("{count} superseded", "더 새로운 것이 있음 {count}개"),
    "outcome_rejected": Phrase("{count} rejected", "거절 {count}개"),
    "outcome_pending": Phrase("{count} pending", "대기 {count}개"),
}

PHRASES = SHARED | COLLECTION | STORE_FACTS | DOCUMENT | TROUBLES | UPLOAD
