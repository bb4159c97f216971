"""The chart as tests see it: rendered by Helm's own library, checked against Kubernetes's schemas."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from helm_python import Chart

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "redracer"
KUBERNETES = "1.31"
CUSTOM = {"ServiceMonitor"}  # kinds of others, for which there is no schema
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Values = dict[str, Any]


@cache
def loaded() -> Chart:
    """The chart, read once."""
    return Chart.load(CHART)


def rendered(
    values: Values | None = None, release: str = "redis", namespace: str = "default"
) -> list[Values]:
    """Every object of the chart. Raises HelmError if the chart refuses the values."""
    return copy.deepcopy(parsed(json.dumps(values or {}), release, namespace))


@cache
def parsed(values: str, release: str, namespace: str) -> list[Values]:
    """The objects for values as JSON: most tests begin with the same ones."""
    loaded().validate_schema(json.loads(values))
    texts = loaded().render(json.loads(values), name=release, namespace=namespace)
    return [
        found
        for name, text in texts.items()
        if not name.endswith("NOTES.txt")
        for found in yaml.load_all(text, Loader)
        if found
    ]


def notes(values: Values | None = None) -> str:
    """What an installation says at its end."""
    return loaded().render(values or {}, name="redis", namespace="default")["redracer/templates/NOTES.txt"]


def by_name(objects: list[Values]) -> dict[str, Values]:
    """The objects by KIND/NAME; no two have the same."""
    named = {f"{item['kind']}/{item['metadata']['name']}": item for item in objects}
    assert len(named) == len(objects)
    return named


def validate(objects: list[Values]) -> None:
    """Checks every object as `kubernetes-validate --strict` does. Raises ValidationError."""
    for item in objects:
        if item["kind"] not in CUSTOM:
            kubernetes_validate.validate(item, KUBERNETES, strict=True)


def nested(path: str, value: Any) -> Values:
    """Values with one of them set: `a.b.c`."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def merged(*parts: Values) -> Values:
    """Values of several, the last one wins."""
    result: Values = {}
    for part in parts:
        for name, value in copy.deepcopy(part).items():
            old = result.get(name)
            result[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def leaves(values: Values, prefix: str = "") -> dict[str, Any]:
    """What can be set, by its path. A mapping of free names is one leaf."""
    found = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found |= leaves(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found
