"""How a contestant answers compare.py; hipt_bench --contest speaks the same."""

import sys


def answer(one_pass, results):
    """Says ready; then a pass for each empty line, answered by its seconds; any other line names a file for results."""
    print("ready", flush=True)
    for line in sys.stdin:
        file = line.rstrip("\n")
        if file:
            results(file)
            print("written", flush=True)
        else:
            print(f"{one_pass():.9f}", flush=True)


def on_threads(threads, count, make_call):
    """Calls call(0) .. call(count - 1) from a list of started threads, each with a call of its own."""
    import itertools
    import threading

    numbers, failures = itertools.count(), []

    def work(call):
        try:
            while (i := next(numbers)) < count:
                call(i)
        except BaseException as error:  # raised again below, where it ends the process
            failures.append(error)

    workers = [threading.Thread(target=work, args=(make_call(i),)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
