"""A spec against the installation that would run it: what its profiles offer, and its limits.

The operator looks at the same things in any case; here they are told before anything is sent.
Where the profiles cannot be read, nothing is refused, and the caller can say so.
"""

from typing import TYPE_CHECKING

from clt_operator.api.errors import CltError, SpecError

if TYPE_CHECKING:
    from clt_operator.api.load import LoadedSpec
    from clt_operator.api.profiles import Profiles
    from clt_operator.cli.place import Place
    from clt_operator.cluster.api import Api

PATIENCE = 3.0  # seconds for a look that is not what was asked for


def check_profiles(api: "Api", loaded: "LoadedSpec", namespace: str) -> str:
    """What was looked at, in words; a warning where profiles are wrong.

    Raises SpecError with everything that the installation would refuse, TooManySteps where the
    size is part of it.
    """
    from clt_operator.cli.live import readable_profiles, system_namespace
    from clt_operator.cli.output import say

    place = f"profiles in namespace {system_namespace()} of {api.server}"
    try:
        profiles = readable_profiles(api)
    except SpecError as error:  # not this user's to mend
        say(f"warning: the installation's profiles are wrong: {error}")
        return f"not checked against the {place}: they are wrong"
    if profiles is None:
        return f"not checked against the {place}: they are not there, or not yours to read"
    _check(api, profiles, loaded, namespace)
    return f"checked against the {place}"


def _check(api: "Api", profiles: "Profiles", loaded: "LoadedSpec", namespace: str) -> None:
    from clt_operator.api.load import locate
    from clt_operator.api.lock import Lock
    from clt_operator.cli.specs import uncollected
    from clt_operator.cluster.queues import queues_of
    from clt_operator.plan.build import TooManySteps, plan
    from clt_operator.plan.check.size import check_size

    spec, limit = loaded.experiment.spec, profiles.limits.steps
    queues = queues_of(api, namespace) if spec.compute.queue else None
    problems = profiles.check(namespace, spec, queues)
    too_large = check_size(spec, limit)
    if not too_large:
        try:  # the number of steps is the same whatever the lock will hold
            with uncollected():
                plan(spec, Lock(clt_version="", kind_versions={}), most=limit)
        except TooManySteps as error:
            too_large = error.problems
    if too_large:
        raise TooManySteps(locate([*problems, *too_large], loaded))
    if problems:
        raise SpecError(locate(problems, loaded))


def look(place: "Place | None", loaded: "LoadedSpec") -> str:
    """Checks a spec against the cluster of a place, if it is one; says what was looked at.

    A cluster that was named and does not answer is an error; one that is only there by default
    is not. Raises as ``check_profiles`` does.
    """
    from clt_operator.cli.live import Live
    from clt_operator.cli.specs import namespace_of

    if place is None:
        return "not checked against a cluster: there is no kubeconfig"
    if not place.on_cluster:
        which = "--local" if place.local else "a store was named"
        return f"not checked against a cluster: {which}"
    try:
        api = Live(place).api.limited(patience=PATIENCE)
        namespace = namespace_of(loaded, place.namespace, lambda: api.namespace)
        return check_profiles(api, loaded, namespace)
    except SpecError:
        raise
    except CltError as error:
        if place.context is not None or place.kubeconfig is not None:
            raise
        return f"not checked against a cluster: {error}"
