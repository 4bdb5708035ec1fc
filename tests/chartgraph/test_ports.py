"""A busy port is named with its holder."""

import os
import socket

from chartgraph.ports import free_port, holder, is_free


def test_a_busy_port_names_its_holder():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not is_free(port)
        assert f"(process {os.getpid()})" in holder(port)


def test_a_free_port_is_free():
    assert is_free(free_port())
