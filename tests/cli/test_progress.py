from rag.cli.progress import Pace, progress_line
from rag.indexing import Progress


def test_a_lexical_run_is_timed_by_its_documents() -> None:
    line = progress_line(Progress(100, 100, 250, 0, "a.txt"), 400, 10.0, None, encodes=False)
    assert line == "100 of 400 documents, 250 passages, about 30 s left"


def test_nothing_is_promised_before_the_pace_is_known() -> None:
    line = progress_line(Progress(100, 100, 250, 0, "a.txt"), 400, 10.0, None, encodes=True)
    assert line == (
        "100 of 400 documents, 250 passages, none encoded yet (a model's first use takes longer)"
    )


def test_a_run_that_encodes_is_timed_by_its_passages() -> None:
    now = Progress(100, 100, 1_000, 500, "")
    line = progress_line(now, 400, 10.0, 50.0, encodes=True)
    assert line == "100 of 400 documents, 1,000 passages, 500 encoded (50/s), about 1 min left"


def test_the_pace_leaves_out_what_came_before_the_first_batch() -> None:
    pace = Pace()
    assert pace.after(0, 5.0) is None
    assert pace.after(128, 20.0) is None
    assert pace.after(384, 22.0) == 128.0
