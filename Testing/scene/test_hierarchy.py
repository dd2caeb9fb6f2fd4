"""Results lie beside their image, in the same study of the same patient."""

from __future__ import annotations

import pytest

from scene.examples import GRIDS, cord_in, image_in
from SoftCordSegLib.scene.disc_points import add_discs
from SoftCordSegLib.scene.hierarchy import place_result, results_folder
from SoftCordSegLib.scene.soft_mask_node import add_soft_mask
from SoftCordSegLib.scene.threshold_view import add_threshold_view
from SoftCordSegLib.scene.volume_nodes import add_volume

GRID = GRIDS["isotropic"]


@pytest.fixture
def hierarchy(app):
    import slicer

    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(app.scene)


def results_of(app, image) -> list:
    soft = add_soft_mask(app.scene, image, cord_in(GRID))
    return [soft, add_threshold_view(app.scene, soft).node, add_discs(app.scene, image)]


def parent_of(hierarchy, node) -> int:
    return hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))


def test_results_lie_in_one_folder_beside_the_image_in_its_study(app, hierarchy):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient")
    study = hierarchy.CreateStudyItem(patient, "Study")
    hierarchy.SetItemParent(hierarchy.CreateItem(study, image), study)

    nodes = results_of(app, image)
    for node in nodes:
        place_result(node, image)

    folder = results_folder(image)
    assert {parent_of(hierarchy, node) for node in nodes} == {folder}
    assert hierarchy.GetItemParent(folder) == study
    assert parent_of(hierarchy, image) == study
    assert hierarchy.GetItemName(folder) == "T2w: spinal cord"


def test_an_image_without_a_study_gets_its_folder_at_the_top(app, hierarchy):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    assert results_folder(image) is None

    place_result(results_of(app, image)[0], image)

    assert hierarchy.GetItemParent(results_folder(image)) == hierarchy.GetSceneItemID()


def test_two_images_have_two_folders_even_with_one_name(app, hierarchy):
    images = [add_volume(app.scene, image_in(GRID), "T2w") for _ in range(2)]
    for image in images:
        image.SetName("T2w")
        for node in results_of(app, image):
            place_result(node, image)

    first, second = (results_folder(image) for image in images)
    assert first != second
    assert hierarchy.GetNumberOfItemChildren(first) == 3
    assert hierarchy.GetNumberOfItemChildren(second) == 3


def test_a_folder_that_the_user_renamed_is_used_again(app, hierarchy):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    nodes = results_of(app, image)
    place_result(nodes[0], image)
    folder = results_folder(image)
    hierarchy.SetItemName(folder, "my results")

    place_result(nodes[1], image)

    assert parent_of(hierarchy, nodes[1]) == folder
    assert hierarchy.GetItemName(folder) == "my results"


def test_a_node_that_slicer_has_put_elsewhere_is_moved(app, hierarchy):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    node = results_of(app, image)[0]
    item = hierarchy.CreateItem(
        hierarchy.GetSceneItemID(), node
    )  # as Slicer's Qt side does for every new node

    assert place_result(node, image) == item
    assert hierarchy.GetItemParent(item) == results_folder(image)


def test_a_node_that_leaves_the_scene_leaves_the_hierarchy(app, hierarchy):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    nodes = results_of(app, image)
    for node in nodes:
        place_result(node, image)

    app.scene.RemoveNode(nodes[0])

    assert hierarchy.GetNumberOfItemChildren(results_folder(image)) == 2
