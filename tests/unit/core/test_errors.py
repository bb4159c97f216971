"""The table of error texts."""

import ast
import inspect

from redracer.core import errors


def test_no_text_takes_the_name_of_another():
    names = [
        target.id
        for statement in ast.parse(inspect.getsource(errors)).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))
