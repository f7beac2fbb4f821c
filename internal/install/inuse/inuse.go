// Package inuse tells which images a cluster refers to: in pods, in what makes pods, in databases,
// and in what users pick images from.
package inuse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// ErrUnknown says that the cluster does not tell all of what it uses.
var ErrUnknown = errors.New("what is in use is not known")

// Usage is the images that a cluster refers to, and who refers to each.
type Usage struct {
	names
	uses map[Use]string
	// unpicked are those of choices that nobody has picked.
	unpicked names
}

// names are who refers to images: by HOST/REPOSITORY:TAG, and by digest.
type names struct{ byName, byDigest map[string]string }

// Use is an image as something in the cluster refers to it.
type Use struct {
	// Ref has the tag that is named, if any, and Digest the digest that is named with it, or that a
	// running container has of it; either may be empty.
	Ref    ref.Reference
	Digest string
}

// Kinds are the kinds of custom resources that refer to images.
type Kinds struct {
	// Referring always need what they name: databases, catalogs, settings of operators.
	Referring []schema.GroupKind
	// Choices stand for an image each, and are picked by their names. Somebody needs the image of
	// those that an object has picked which is Referring, or of any other kind in the same group.
	Choices []schema.GroupKind
}

// Uses are all images that the cluster refers to by name, each with one who does. Choices that
// nobody has picked refer to theirs as well.
func (i *Usage) Uses() map[Use]string { return i.uses }

// builtin are the kinds of pods and of what makes them.
var builtin = []schema.GroupKind{
	{Kind: "Pod"}, {Group: "apps", Kind: "Deployment"}, {Group: "apps", Kind: "StatefulSet"}, {Group: "apps", Kind: "DaemonSet"},
	{Group: "apps", Kind: "ReplicaSet"}, {Group: "batch", Kind: "Job"}, {Group: "batch", Kind: "CronJob"},
}

// Find lists pods, what makes pods, and the objects of kinds, and keeps every string that may be an
// image. It fails where any of them may not be listed, for then nobody knows what is in use.
func Find(ctx context.Context, c *cluster.Cluster, kinds Kinds) (*Usage, error) {
	images := &Usage{names: newNames(), uses: map[Use]string{}, unpicked: newNames()}
	for _, kind := range slices.Concat(builtin, kinds.Referring) {
		found, err := list(ctx, c, kind)
		if err != nil {
			return nil, err
		}
		for _, object := range found {
			if !isHistory(object) {
				images.collect(images.names, cluster.Title(object), "", object.Object)
			}
		}
	}
	for _, kind := range kinds.Choices {
		if err := images.choices(ctx, c, kind, kinds.Referring); err != nil {
			return nil, err
		}
	}
	return images, nil
}

func newNames() names { return names{map[string]string{}, map[string]string{}} }

// list lists the objects of a kind, without what is said about them; none where the cluster does not
// know it.
func list(ctx context.Context, c *cluster.Cluster, kind schema.GroupKind) ([]*unstructured.Unstructured, error) {
	mapping, known, err := c.Serves(ctx, kind)
	if err != nil || !known {
		return nil, err
	}
	found, err := c.List(ctx, mapping.Resource, "", metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	all := make([]*unstructured.Unstructured, len(found))
	for i := range found {
		found[i].SetManagedFields(nil)
		found[i].SetAnnotations(nil)
		all[i] = &found[i]
	}
	return all, nil
}

// isHistory tells the ReplicaSets that a Deployment keeps of how it once was. What runs, or is to,
// stands in the Deployment.
func isHistory(object *unstructured.Unstructured) bool {
	replicas, stated, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	controller := metav1.GetControllerOf(object)
	return object.GetKind() == "ReplicaSet" && stated && replicas == 0 && controller != nil && controller.Kind == "Deployment"
}

// choices sorts the objects of a kind by whether somebody has picked them.
func (i *Usage) choices(ctx context.Context, c *cluster.Cluster, kind schema.GroupKind, referring []schema.GroupKind) error {
	found, err := list(ctx, c, kind)
	if err != nil || len(found) == 0 {
		return err
	}
	pickers, err := c.KindsIn(ctx, kind.Group)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	pickers = slices.DeleteFunc(append(pickers, referring...), func(k schema.GroupKind) bool { return k == kind })
	slices.SortFunc(pickers, func(a, b schema.GroupKind) int { return strings.Compare(a.String(), b.String()) })
	var named []cluster.Named
	for _, object := range found {
		named = append(named, cluster.Named{Name: object.GetName(), Is: func(text string) bool { return text == object.GetName() }})
	}
	picked, err := c.Uses(ctx, slices.Compact(pickers), named)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	for _, object := range found {
		who := cluster.Title(object)
		if by := picked[object.GetName()]; len(by) > 0 {
			i.collect(i.names, fmt.Sprintf("%s (picked by %s %s)", who, by[0].Kind, by[0]), "", object.Object)
		} else {
			i.collect(i.unpicked, who, "", object.Object)
		}
	}
	return nil
}

// collect notes every string below a value into names, and what may be an image into uses. What the value is
// called stands before it.
func (i *Usage) collect(into names, who, called string, value any) {
	switch value := value.(type) {
	case string:
		into.text(who, value)
	case []any:
		for _, element := range value {
			if text, isText := element.(string); isText {
				i.use(who, called, text)
			}
			i.collect(into, who, called, element)
		}
	case map[string]any:
		i.container(who, value)
		for name, element := range value {
			text, isText := element.(string)
			if isText && name != "imageID" {
				i.use(who, calledIn(value, name), text)
			}
			i.collect(into, who, name, element)
		}
	}
}

func (n names) text(who, text string) {
	if _, digest, ok := strings.Cut(text, "sha256:"); ok {
		n.byDigest["sha256:"+digest] = who
	}
	if image, err := ref.ParseImage(strings.TrimPrefix(text, "docker-pullable://")); err == nil {
		if image = image.Tagged().Canonical(); image.Tag != "" {
			image.Digest = ""
		}
		n.byName[image.String()] = who
	}
}

// calledIn is what a field is called, which of a variable of the environment is the variable's name.
func calledIn(object map[string]any, field string) string {
	if variable, ok := object["name"].(string); ok && field == "value" {
		return variable
	}
	return field
}

// isImage tells whether what is called so is an image, with a tag or without.
func isImage(called string) bool {
	called = strings.TrimSuffix(strings.ToLower(called), "s")
	return strings.HasSuffix(called, "image") || strings.HasSuffix(called, "imagename")
}

// use notes a string that may be an image. One without a tag and a digest is the tag "latest" where it is called
// an image; elsewhere it is a repository, in which an operator finds images by tags that it knows itself.
func (i *Usage) use(who, called, text string) {
	image, err := ref.ParseImage(text)
	if err != nil || image.Tag == "" && image.Digest == "" && !isImage(called) {
		return
	}
	use := Use{Ref: image.Tagged().Canonical(), Digest: image.Digest}
	use.Ref.Digest = ""
	i.uses[use] = who
}

// container notes the image of a container that runs by the digest that it has.
func (i *Usage) container(who string, object map[string]any) {
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

// By is who needs an image, by its name or its digest; empty where nobody does.
func (n names) By(at ref.Reference, digest string) string {
	if who := n.byDigest[digest]; who != "" {
		return who
	}
	return n.byName[at.Tagged().Canonical().String()]
}

// OfferedBy is the choice that leads to an image, and that nobody has picked; empty where there is none.
func (i *Usage) OfferedBy(at ref.Reference, digest string) string { return i.unpicked.By(at, digest) }
