"""A fragment's run that ended well is told to the browser as such, also when another fragment's run follows at once."""

from __future__ import annotations

from functools import wraps

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_WELL = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY


def tell_all() -> None:
    """From now on, in this process. Calling it again changes nothing.

    The browser takes away what a run no longer drew when it hears that the run ended well. Streamlit 1.67 rewrites an
    end that is still unsent as another run starts to "stopped early", because it may have dropped something that the
    run drew; it also does so where it dropped nothing, and then what was chosen before stays below what is chosen now.
    Here tabs ask for themselves ahead, and tiles every few seconds, so one run often follows another.
    """
    clear = ForwardMsgQueue.clear
    if hasattr(clear, "__wrapped__"):
        return

    @wraps(clear)
    def clear_and_tell(
        queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        before = len(queue)
        ended = [each for each in queue._queue if fragment_ids_this_run and _well(each)]
        clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        if len(queue) == before:  # all that those runs drew is still on its way
            for each in ended:
                each.script_finished = _WELL

    ForwardMsgQueue.clear = clear_and_tell  # type: ignore[method-assign, assignment]


def _well(message: ForwardMsg) -> bool:
    return message.WhichOneof("type") == "script_finished" and message.script_finished == _WELL
