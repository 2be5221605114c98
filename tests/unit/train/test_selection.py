"""Every policy's choice is recorded; ties go to the earliest."""

from clt_jobs.train.selection import Candidate, Policies, is_best, selection_record
from clt_operator.api.kinds.train import Component, Mixture, Optimiser, TrainParams

COMPONENTS = [
    Component(input="MR/en", task="MR", language="en", quota=1, validation=1),
    Component(input="IF/en", task="IF", language="en", quota=1, validation=1),
    Component(input="MR/es", task="MR", language="es", quota=1, validation=1),
    Component(input="MR/fr", task="MR", language="fr", quota=1),
]
VALIDATED = ["MR/en", "IF/en", "MR/es"]
POLICIES = Policies.of(COMPONENTS, VALIDATED, "en")


def _candidate(step, mr_en, if_en, mr_es):
    return Candidate(step, {"MR/en": mr_en, "IF/en": if_en, "MR/es": mr_es})


CANDIDATES = [
    _candidate(50, 1.0, 2.0, 3.0),
    _candidate(100, 0.5, 1.5, 4.0),
    _candidate(150, 2.0, 2.0, 1.0),
]


def _record(select):
    params = TrainParams(
        mixture=Mixture(components=COMPONENTS),
        optimiser=Optimiser(learning_rate=1e-3),
        batch_size=1,
        select=select,
    )
    return selection_record(params, POLICIES, CANDIDATES, 160)


def test_each_policy_chooses_by_its_own_macro_mean():
    assert _record("mixture_loss")["choices"] == {
        "last": 160,
        "mixture_loss": 150,
        "pivot_loss": 100,
        "language/en": 100,
        "language/es": 150,
    }


def test_the_policy_asked_for_decides():
    assert _record("last")["selected_step"] == 160
    assert _record("pivot_loss")["selected_step"] == 100


def test_components_without_validation_are_named():
    assert _record("last")["components_without_validation"] == ["MR/fr"]


def test_the_earliest_of_equals_is_chosen():
    same = [_candidate(50, 1.0, 1.0, 1.0), _candidate(100, 1.0, 1.0, 1.0)]
    assert POLICIES.choice("mixture_loss", same).step == 50
    assert not is_best(POLICIES, "mixture_loss", same)
