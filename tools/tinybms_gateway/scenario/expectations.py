"""What a scenario expects, as rules for `tinybms_gateway.can.verify`."""

from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.scenario import rules
from tinybms_gateway.scenario.condition import Condition, Written, parse_condition
from tinybms_gateway.scenario.model import After, Agree, Always, AnyExpectation, Course, Order, Pause, Scenario


def scenario_rules(scenario: Scenario) -> list[Rule]:
    """The expectations of a scenario as rules, each good for one capture.

    Raises:
        ValueError: an invalid condition; says which one, and what is allowed.
    """
    return list(expectation_rules(scenario))


def expectation_rules(scenario: Scenario) -> list[rules.ScenarioRule]:
    """The same, as what they are.

    Raises:
        ValueError: as for `scenario_rules`.
    """
    made = []
    for index, expectation in enumerate(scenario.expect):
        try:
            made.append(_rule(expectation, scenario.values))
        except ValueError as error:
            raise ValueError(f"expect.{index} ({expectation.id}): {error}") from error
    return made


def _rule(wanted: AnyExpectation, names: dict[str, float]) -> rules.ScenarioRule:
    common = (wanted.id, wanted.sentence, wanted.source)

    def condition(written: Written | None) -> Condition | None:
        return parse_condition(written, names) if written is not None else None

    rule: rules.ScenarioRule
    if isinstance(wanted, Always):
        rule = rules.AlwaysRule(*common, during=condition(wanted.during), then=parse_condition(wanted.then, names),
                                grace_s=wanted.within_s)  # fmt: skip
    elif isinstance(wanted, After):
        rule = rules.AfterRule(*common, after=parse_condition(wanted.after, names),
                               then=parse_condition(wanted.then, names), window_s=_window(wanted.within_s))  # fmt: skip
    elif isinstance(wanted, Order):
        rule = rules.OrderRule(*common, conditions=[parse_condition(step, names) for step in wanted.order])
    elif isinstance(wanted, Course):
        rule = rules.CourseRule(*common, signal=wanted.signal, during=condition(wanted.during),
                                rise_per_s=wanted.rises_at_most_per_s, fall_per_s=wanted.falls_at_most_per_s,
                                tolerance=wanted.tolerance)  # fmt: skip
    elif isinstance(wanted, Agree):
        rule = rules.AgreeRule(*common, signals=(wanted.signals[0], wanted.signals[1]), at_most=wanted.at_most)
    elif isinstance(wanted, Pause):
        rule = rules.PauseRule(*common, after=parse_condition(wanted.after, names), window_s=_window(wanted.within_s),
                               least_s=wanted.at_least_s)  # fmt: skip
    else:
        rule = rules.EnergyRule(*common, least_wh=wanted.at_least_wh, tolerance=wanted.tolerance_percent / 100)
    return rule


def _window(within_s: float | list[float]) -> tuple[float, float]:
    low, high = within_s if isinstance(within_s, list) else (0.0, within_s)
    if low > high:
        raise ValueError(f"within_s: {low:g} is later than {high:g}")
    return low, high
