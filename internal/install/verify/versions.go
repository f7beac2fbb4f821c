package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// offered is an object that users pick images from.
type offered struct {
	unstructured.Unstructured
	kind versions.Kind
}

// readVersions lists what users can pick.
func (v *verification) readVersions(ctx context.Context) error {
	for _, offer := range v.Offers {
		kind := schema.GroupKind{Group: offer.Group, Kind: offer.Kind}
		mapping, known, err := v.Cluster.Serves(ctx, kind)
		if err != nil {
			return err
		}
		if !known {
			return cluster.Wrap(ErrNoVersionKind, fmt.Errorf("the cluster does not know %s: %w", kind, ErrNotInstalled))
		}
		found, err := v.Cluster.List(ctx, mapping.Resource, "", metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, object := range found {
			v.offered = append(v.offered, offered{object, offer})
		}
	}
	return nil
}

// checkImages asks for every image, once each, but for those that are accepted.
func (v *verification) checkImages(ctx context.Context) error {
	isVersion := func(object chart.Object) bool {
		return slices.ContainsFunc(v.Offers, func(o versions.Kind) bool { return o.Kind == object.GetKind() })
	}
	hosts := slices.Clone(v.Hosts)
	if len(hosts) == 0 {
		for _, image := range naming.ImagesOf(v.manifest, v.Origin) {
			if v.accepted(image) == "" {
				hosts = append(hosts, image.Ref.Host)
			}
		}
	}
	for _, image := range naming.ImagesOf(v.manifest.Without(isVersion), v.Origin) {
		check := ImageCheck{Image: image.Ref.String()}
		if !isAmong(hosts, image.Ref.Host) {
			check.Accepted = v.accepted(image)
		}
		v.check.Images = append(v.check.Images, check)
	}
	for _, object := range v.offered {
		v.check.Versions = append(v.check.Versions, v.versionChecks(object)...)
	}
	v.check.Versions = append(v.check.Versions, v.goneVersions()...)
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
		if !errors.Is(c.Versions[i].Err, ErrGone) {
			all = append(all, &c.Versions[i].ImageCheck)
		}
	}
	return all
}

// accepted is why an image may come from elsewhere; empty unless all places that name it are
// accepted.
func (v *verification) accepted(image naming.UsedImage) string {
	reason := ""
	for _, use := range image.Uses {
		accept, ok := naming.AcceptedBy(v.Accept, use)
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

// versionChecks compare what an object offers with what the release made of it.
func (v *verification) versionChecks(object offered) []VersionCheck {
	var made map[string]string
	for _, other := range v.manifest.Objects {
		if other.GetKind() == object.GetKind() && other.GetName() == object.GetName() {
			made = object.kind.Texts(other.Object, object.kind.Image)
		}
	}
	names := object.kind.Texts(object.Object, object.kind.Version)
	images := object.kind.Texts(object.Object, object.kind.Image)
	var checks []VersionCheck
	for _, at := range slices.Sorted(maps.Keys(images)) {
		check := VersionCheck{Name: v.nameOf(object, at), DBVersion: names[at]}
		check.Image, check.Expected = images[at], made[at]
		if check.Edited = check.Expected != check.Image; !check.Edited {
			check.Expected = ""
		}
		checks = append(checks, check)
	}
	for _, at := range slices.Sorted(maps.Keys(made)) {
		if images[at] == "" {
			checks = append(checks, gone(v.nameOf(object, at), made[at]))
		}
	}
	return checks
}

// nameOf names what an object offers at a place.
func (v *verification) nameOf(object offered, at string) string {
	several := len(slices.DeleteFunc(slices.Clone(v.Offers), func(o versions.Kind) bool { return o.Group != object.kind.Group || o.Kind != object.kind.Kind })) > 1
	switch {
	case at != "":
		return object.GetName() + " " + at
	case several: // one object, and an image for each purpose
		return object.GetName() + " " + object.kind.Image
	default:
		return object.GetName()
	}
}

// goneVersions are what the release offers in objects that are there no more.
func (v *verification) goneVersions() []VersionCheck {
	var checks []VersionCheck
	for _, offer := range v.Offers {
		for _, made := range v.manifest.Objects {
			if kind := made.GroupVersionKind(); kind.Group != offer.Group || kind.Kind != offer.Kind || v.isThere(made, offer) {
				continue
			}
			images := offer.Texts(made.Object, offer.Image)
			for _, at := range slices.Sorted(maps.Keys(images)) {
				checks = append(checks, gone(v.nameOf(offered{made.Unstructured, offer}, at), images[at]))
			}
		}
	}
	return checks
}

func (v *verification) isThere(made chart.Object, kind versions.Kind) bool {
	return slices.ContainsFunc(v.offered, func(live offered) bool {
		return live.kind == kind && live.GetName() == made.GetName() &&
			(live.GetNamespace() == "" || live.GetNamespace() == cluster.NamespaceOf(made, v.Namespace))
	})
}

// gone is what the release offers and nobody can pick.
func gone(name, image string) VersionCheck {
	return VersionCheck{Name: name, Expected: image, ImageCheck: ImageCheck{Image: image, Err: ErrGone}}
}
