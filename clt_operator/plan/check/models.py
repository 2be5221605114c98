"""Models and stages: sources that exist, stages that do not feed themselves."""

from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.names import MODEL_SCHEMES, split_source
from clt_operator.plan.check.findings import Findings


def check_models(spec: ExperimentSpec, findings: Findings) -> None:
    findings.unique("spec.models", [model.name for model in spec.models])
    findings.unique("spec.stages", [stage.name for stage in spec.stages])
    for at, model in enumerate(spec.models):
        _source(f"spec.models[{at}]", model, spec, findings)
    models = {model.name: model for model in spec.models}
    tasks = {task.name: task for task in spec.tasks}
    for at, stage in enumerate(spec.stages):
        path = f"spec.stages[{at}]"
        findings.known(f"{path}.model", stage.model, models, "model")
        if not any(model.source == f"stage:{stage.name}" for model in spec.models):
            findings.add(
                f"{path}.name",
                f"no model is made of the stage {stage.name!r}",
                f"add a model with source: stage:{stage.name}, or drop the stage",
            )
        for place, name in enumerate(stage.tasks):
            where = f"{path}.tasks[{place}]"
            if findings.known(where, name, tasks, "task") and tasks[name].train is None:
                findings.add(where, f"task {name!r} has no training rows", "give it a train source")
        for place, code in enumerate(stage.languages):
            findings.language(f"{path}.languages[{place}]", code)
    _cycles(spec, findings)


def _source(path: str, model: ModelSpec, spec: ExperimentSpec, findings: Findings) -> None:
    scheme, rest = split_source(model.source)
    if scheme not in MODEL_SCHEMES or not rest:
        findings.add(
            f"{path}.source",
            f"{model.source!r} is no model source",
            f"write one of {', '.join(f'{s}:…' for s in MODEL_SCHEMES)}",
        )
    elif scheme == "stage":
        findings.known(f"{path}.source", rest, [stage.name for stage in spec.stages], "stage")
    for field in ("architecture", "alphabet", "seed"):
        if getattr(model, field) and scheme != "init":
            findings.add(f"{path}.{field}", f"only models made here (init:…) have {_a(field)}")
    if model.revision and scheme != "hf":
        findings.add(f"{path}.revision", "only hub models (hf:…) have a revision")


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _cycles(spec: ExperimentSpec, findings: Findings) -> None:
    """A stage that starts from itself, directly or through other stages."""
    starts = {stage.name: stage.model for stage in spec.stages}
    made_by = {
        model.name: split_source(model.source)[1]
        for model in spec.models
        if model.source.startswith("stage:")
    }
    for at, stage in enumerate(spec.stages):
        seen = [stage.name]
        following = made_by.get(starts[stage.name])
        while following is not None and following in starts and following not in seen:
            seen.append(following)
            following = made_by.get(starts[following])
        if following == stage.name:
            chain = " from ".join([*seen, stage.name])
            findings.add(f"spec.stages[{at}].model", f"the stage starts from itself: {chain}")
