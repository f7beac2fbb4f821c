// Package inuse tells which images a cluster refers to: in pods, in what makes pods, in databases,
// and in what users pick images from.
package inuse

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Images are the images that a cluster refers to, and who refers to each.
type Images struct {
	byName   map[string]string // HOST/REPOSITORY:TAG
	byDigest map[string]string
	uses     map[Use]string
}

// Use is an image as something in the cluster refers to it.
type Use struct {
	// Ref has the tag that is named, if any, and Digest the digest that is named with it, or that a
	// running container has of it; either may be empty.
	Ref    ref.Reference
	Digest string
}

// Uses are all images that the cluster refers to by name, each with one who does.
func (i *Images) Uses() map[Use]string { return i.uses }

// builtin are the kinds of pods and of what makes them.
var builtin = []schema.GroupKind{
	{Kind: "Pod"}, {Group: "apps", Kind: "Deployment"}, {Group: "apps", Kind: "StatefulSet"}, {Group: "apps", Kind: "DaemonSet"},
	{Group: "apps", Kind: "ReplicaSet"}, {Group: "batch", Kind: "Job"}, {Group: "batch", Kind: "CronJob"},
}

// Find lists pods, what makes pods, and the objects of kinds, and keeps every string that may be an
// image. It fails where any of them may not be listed, for then nobody knows what is in use.
func Find(ctx context.Context, c *cluster.Cluster, kinds []schema.GroupKind) (*Images, error) {
	images := &Images{byName: map[string]string{}, byDigest: map[string]string{}, uses: map[Use]string{}}
	for _, kind := range append(append([]schema.GroupKind{}, builtin...), kinds...) {
		mapping, known, err := c.Serves(kind)
		if err != nil {
			return nil, err
		}
		if !known {
			continue
		}
		found, err := c.List(ctx, mapping.Resource, "", metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("what is in use is not known: %w", err)
		}
		for i := range found {
			found[i].SetManagedFields(nil)
			found[i].SetAnnotations(nil)
			images.collect(cluster.Title(&found[i]), found[i].Object)
		}
	}
	return images, nil
}

func (i *Images) collect(who string, value any) {
	switch value := value.(type) {
	case string:
		i.text(who, value)
	case []any:
		for _, element := range value {
			if text, isText := element.(string); isText {
				i.use(who, text)
			}
			i.collect(who, element)
		}
	case map[string]any:
		i.container(who, value)
		for name, element := range value {
			text, isText := element.(string)
			if isText && name != "imageID" {
				i.use(who, text)
			}
			i.collect(who, element)
		}
	}
}

func (i *Images) text(who, text string) {
	if _, digest, ok := strings.Cut(text, "sha256:"); ok {
		i.byDigest["sha256:"+digest] = who
	}
	if image, err := ref.ParseImage(strings.TrimPrefix(text, "docker-pullable://")); err == nil {
		if image = image.Tagged().Canonical(); image.Tag != "" {
			image.Digest = ""
		}
		i.byName[image.String()] = who
	}
}

// use notes a string that may be an image.
func (i *Images) use(who, text string) {
	image, err := ref.ParseImage(text)
	if err != nil {
		return
	}
	use := Use{Ref: image.Tagged().Canonical(), Digest: image.Digest}
	use.Ref.Digest = ""
	i.uses[use] = who
}

// container notes the image of a container that runs by the digest that it has.
func (i *Images) container(who string, object map[string]any) {
	name, _ := object["image"].(string)
	image, err := ref.ParseImage(name)
	if name == "" || err != nil {
		return
	}
	use := Use{Ref: image.Tagged().Canonical()}
	use.Ref.Digest = ""
	running, _ := object["imageID"].(string)
	if pulled, err := ref.ParseImage(strings.TrimPrefix(running, "docker-pullable://")); err == nil && pulled.Digest != "" && pulled.Canonical().Name() == use.Ref.Name() {
		use.Digest = pulled.Digest
		i.uses[use] = who
	}
}

// By is who refers to an image, by its name or its digest; empty where nobody does.
func (i *Images) By(at ref.Reference, digest string) string {
	if who := i.byDigest[digest]; who != "" {
		return who
	}
	return i.byName[at.Tagged().Canonical().String()]
}
