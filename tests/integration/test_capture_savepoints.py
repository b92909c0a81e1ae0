"""Savepoints: what is registered in one comes and goes with it."""

from __future__ import annotations

from tests.blog import Blog, Post


def test_a_rolled_back_savepoint_takes_what_was_registered_in_it(blog: Blog) -> None:
    blog.add(Post(title="one"), Post(title="two"))
    with blog.make() as session:
        kept = blog.capture.sync_record(session.get(Post, 1))
        savepoint = session.begin_nested()
        lost = blog.capture.sync_record(session.get(Post, 2))
        session.add(new := Post(title="three"))
        gone = blog.capture.sync_record(new, session=session)
        session.flush()
        savepoint.rollback()
        assert (lost.state, gone.state) == ("discarded", "discarded")
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]
    assert (kept.state, kept.work_ids) == ("accepted", (1,))
    assert gone.work_ids == ()


def test_a_released_savepoint_keeps_what_was_registered_in_it(blog: Blog) -> None:
    with blog.make() as session:
        with session.begin_nested(), session.begin_nested():
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session)
        assert result.state == "deferred"
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]
    assert result.state == "accepted"


def test_a_released_savepoint_goes_with_the_one_around_it(blog: Blog) -> None:
    with blog.make() as session:
        outer = session.begin_nested()
        with session.begin_nested():
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session)
        outer.rollback()
        session.commit()
    assert blog.works() == []
    assert result.state == "discarded"


def test_what_a_rolled_back_savepoint_wrote_for_the_transaction_is_written_again(blog: Blog) -> None:
    with blog.make() as session:
        post = Post(id=5, title="one")
        result = blog.capture.sync_record(post, session=session)
        savepoint = session.begin_nested()
        session.add(post)
        session.flush()
        assert blog.visible(session) == [["5"]]
        written = result.work_ids
        assert len(written) == 1
        savepoint.rollback()
        assert blog.visible(session) == []
        assert result.work_ids == ()
        session.add(post)
        session.commit()
    assert blog.works() == [("post", "upsert", ["5"])]
    assert (result.state, len(result.work_ids)) == ("accepted", 1)


def test_the_commit_of_a_savepoint_hands_nothing_on(blog: Blog) -> None:
    with blog.make() as session:
        with session.begin_nested():
            session.add(post := Post(title="one"))
            blog.capture.sync_record(post, session=session)
        assert blog.published == []
        session.rollback()
    assert blog.published == []
