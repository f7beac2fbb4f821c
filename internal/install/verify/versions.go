package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
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

// checkImages asks for every image, once each, but for those that are accepted.
func (v *verification) checkImages(ctx context.Context) error {
	isVersion := func(object chart.Object) bool { return object.GetKind() == v.Version.Kind }
	hosts := slices.Clone(v.Hosts)
	if len(hosts) == 0 {
		for _, image := range v.manifest.ImagesOf(v.Origin) {
			if v.accepted(image) == "" {
				hosts = append(hosts, image.Ref.Host)
			}
		}
	}
	for _, image := range v.manifest.Without(isVersion).ImagesOf(v.Origin) {
		check := ImageCheck{Image: image.Ref.String()}
		if !isAmong(hosts, image.Ref.Host) {
			check.Accepted = v.accepted(image)
		}
		v.check.Images = append(v.check.Images, check)
	}
	for i := range v.versions {
		v.check.Versions = append(v.check.Versions, v.versionCheck(&v.versions[i]))
	}
	return v.asker.askAll(ctx, v.check.asked(), hosts)
}

// asked are the images that the registry, and the nodes, are asked for.
func (c *Check) asked() []*ImageCheck {
	var all []*ImageCheck
	for i := range c.Images {
		if c.Images[i].Accepted == "" {
			all = append(all, &c.Images[i])
		}
	}
	for i := range c.Versions {
		all = append(all, &c.Versions[i].ImageCheck)
	}
	return all
}

// accepted is why an image may come from elsewhere; empty unless all places that name it are
// accepted.
func (v *verification) accepted(image chart.Image) string {
	reason := ""
	for _, use := range image.Uses {
		accept, ok := chart.AcceptedBy(v.Accept, use)
		if !ok {
			return ""
		}
		reason = cmp.Or(accept.Reason, "no reason was given")
	}
	return reason
}

// isAmong compares hosts by whatever name of Docker Hub.
func isAmong(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool { return ref.CanonicalHost(h) == ref.CanonicalHost(host) })
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
