"""An operator's way through an experiment, in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from recommendations.experiments import board, start
from recommendations.models import Arm, Experiment, Exposure, Outcome
from tests.recommendations.test_experiments import experiment

pytestmark = pytest.mark.django_db
LIST = "/admin/recommendations/experiment/"


def form(*arms: dict[str, Any], **more: Any) -> dict[str, Any]:
    posted: dict[str, Any] = {"name": "Popular instead", "hypothesis": "", "traffic_percent": 50} | more
    posted |= {"arms-TOTAL_FORMS": len(arms), "arms-INITIAL_FORMS": 0, "arms-MIN_NUM_FORMS": 2, "arms-MAX_NUM_FORMS": 6}
    for place, arm in enumerate(arms):
        whole = {"name": f"arm {place}", "weight": 1, "engine": "configured", "shelf_order": "continue_first"} | arm
        posted |= {f"arms-{place}-{field}": value for field, value in whole.items()}
    return posted


def test_from_the_draft_to_the_roll_out_and_back(admin_client: Client) -> None:
    admin_client.post(LIST + "add/", form({}, {"engine": "popular", "trend_share": "0.5"}))
    made = Experiment.objects.get()
    page = f"{LIST}{made.pk}/"
    assert "nobody sees it yet" in admin_client.get(f"{page}change/").content.decode()

    shown = admin_client.post(f"{page}start/", follow=True).content.decode()
    assert "runs from now on" in shown
    assert "Running since" in shown
    assert board.current().running is not None

    other = made.arms.get(engine="popular")
    shown = admin_client.post(f"{page}roll-out/", {"arm": other.pk}, follow=True).content.decode()
    assert "everybody gets “arm 1”" in shown
    assert board.current().running is None
    assert board.current().for_everybody is not None

    assert "Stopped" in admin_client.post(f"{page}take-back/", follow=True).content.decode()
    assert board.current().for_everybody is None
    told = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(told)[1:] == ["Started.", "Rolled out: arm 1.", "Taken back."]


@pytest.mark.parametrize(
    ("posted", "complaint"),
    [
        (form({}), "at least two arms"),
        (form({"name": "same"}, {"name": "Same "}), "a name of its own"),
        (form({}, {}, traffic_percent=0), "greater than or equal to 1"),
        (form({}, {}, traffic_percent=101), "less than or equal to 100"),
        (form({}, {}, name=""), "required"),
        (form({}, {"weight": 0}), "greater than or equal to 1"),
        (form({}, {"engine": "magic"}), "not one of the available choices"),
        (form({}, {"explore_share": "0.9"}), "less than or equal to 0.3"),
        (form({}, {"explore_share": "nan"}), "Enter a number"),
        (form({}, {"long_history": "0"}), "greater than or equal to 1"),
        (form({}, {"session_half_life": "much"}), "Enter a number"),
    ],
)
def test_a_bad_form_is_refused_with_the_reason(admin_client: Client, posted: dict[str, Any], complaint: str) -> None:
    page = admin_client.post(LIST + "add/", posted).content.decode()

    assert complaint in page
    assert not Experiment.objects.exists()


def test_what_runs_is_not_changed_and_not_deleted(admin_client: Client) -> None:
    made = experiment()
    start(made)
    page = f"{LIST}{made.pk}/"
    arm = made.arms.first()
    assert arm is not None

    admin_client.post(
        f"{page}change/",
        form({"id": arm.pk, "weight": 50}, name="Renamed") | {"arms-INITIAL_FORMS": 1, "traffic_percent": 3},
    )
    made.refresh_from_db()
    arm.refresh_from_db()

    assert (made.name, made.traffic_percent, arm.weight) == ("Renamed", 100, 1)
    assert admin_client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(LIST, {"action": "delete_selected", "_selected_action": made.pk}).status_code in (200, 302)
    assert Experiment.objects.exists()


@pytest.mark.parametrize("arm", ["", "0", "x", "99999", "1" * 30])
def test_an_arm_of_nowhere_is_not_rolled_out(admin_client: Client, arm: str) -> None:
    made = experiment()
    start(made)

    shown = admin_client.post(f"{LIST}{made.pk}/roll-out/", {"arm": arm}, follow=True).content.decode()

    assert "Choose one of this experiment&#x27;s arms." in shown
    assert board.current().running is not None


def test_what_is_not_possible_is_said(admin_client: Client) -> None:
    one, two = experiment("one"), experiment("two")
    start(one)

    assert "Stop it first" in admin_client.post(f"{LIST}{two.pk}/start/", follow=True).content.decode()
    assert admin_client.get(f"{LIST}{two.pk}/start/").status_code == 405
    assert admin_client.post(f"{LIST}999/start/").status_code == 404


def test_results_are_told_with_their_intervals(admin_client: Client) -> None:
    made = experiment()
    start(made)
    now = timezone.now()
    for arm, shoppers, clicked in ((made.arms.all()[0], 400, 20), (made.arms.all()[1], 400, 60)):
        exposures = Exposure.objects.bulk_create(
            Exposure(experiment=made, arm=arm, owner=f"{arm.pk} {n}", first_at=now) for n in range(shoppers)
        )
        Outcome.objects.bulk_create(
            Outcome(exposure=each, type="click", from_list=True, at=now, content_key=each.owner)
            for each in exposures[:clicked]
        )

    page = admin_client.get(f"{LIST}{made.pk}/change/").content.decode()

    assert "▲ better" in page
    assert "+10.0" in page
    assert "5.0 %" in page
    assert "errornote" not in page
    Exposure.objects.filter(
        pk__in=list(Exposure.objects.filter(arm__name="other").values_list("pk", flat=True)[:150])
    ).delete()
    assert "Nothing below can be believed" in admin_client.get(f"{LIST}{made.pk}/change/").content.decode()


def test_who_may_only_look_does_not_start(client: Client) -> None:
    user = User.objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_experiment"))
    user.user_permissions.add(Permission.objects.get(codename="view_arm"))
    client.force_login(user)
    made = experiment()

    assert ">Start</button>" not in client.get(f"{LIST}{made.pk}/change/").content.decode()
    assert client.post(f"{LIST}{made.pk}/start/").status_code == 403
    made.refresh_from_db()
    assert made.status == "draft"
    assert Arm.objects.count() == 2
