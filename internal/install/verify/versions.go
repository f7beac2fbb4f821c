package verify

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// readVersions lists what users can pick.
func (v *verification) readVersions(ctx context.Context) error {
	if v.Version.Empty() {
		return nil
	}
	mapping, known, err := v.Cluster.Serves(v.Version)
	if err != nil {
		return err
	}
	if !known {
		return cluster.Wrap(ErrNoVersionKind, fmt.Errorf("the cluster does not know %s: %w", v.Version, ErrNotInstalled))
	}
	v.versions, err = v.Cluster.List(ctx, mapping.Resource, "", metav1.ListOptions{})
	return err
}

// checkImages asks for every image, once each.
func (v *verification) checkImages(ctx context.Context) error {
	isVersion := func(object chart.Object) bool { return object.GetKind() == v.Version.Kind }
	hosts := slices.Clone(v.Hosts)
	if len(hosts) == 0 {
		for _, image := range v.manifest.Images() {
			hosts = append(hosts, image.Ref.Host)
		}
	}
	for _, image := range v.manifest.Without(isVersion).Images() {
		v.check.Images = append(v.check.Images, ImageCheck{Image: image.Ref.String()})
	}
	for i := range v.versions {
		v.check.Versions = append(v.check.Versions, v.versionCheck(&v.versions[i]))
	}
	var all []*ImageCheck
	for i := range v.check.Images {
		all = append(all, &v.check.Images[i])
	}
	for i := range v.check.Versions {
		all = append(all, &v.check.Versions[i].ImageCheck)
	}
	return v.asker.askAll(ctx, all, hosts)
}

// versionCheck compares a version with what the release made of it.
func (v *verification) versionCheck(object *unstructured.Unstructured) VersionCheck {
	text := func(from map[string]any, field string) string {
		value, _, _ := unstructured.NestedString(from, "spec", field)
		return value
	}
	check := VersionCheck{Name: object.GetName(), DBVersion: text(object.Object, "dbVersion")}
	check.Image = text(object.Object, "instanceImage")
	check.Edited = true
	for _, made := range v.manifest.Objects {
		if made.GetKind() == object.GetKind() && made.GetName() == object.GetName() {
			check.Expected = text(made.Object, "instanceImage")
			check.Edited = check.Expected != check.Image
		}
	}
	if !check.Edited {
		check.Expected = ""
	}
	return check
}
