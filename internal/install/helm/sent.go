package helm

import (
	"bytes"
	"slices"

	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// sent is what becomes of helm's rendering before it is sent: once templates have looked things
// up in the cluster, nothing proves anything but the very text that goes out.
type sent struct {
	owner     cluster.Owner
	edit      chart.Edit
	more      []chart.Object
	check     func(*chart.Rendering) error
	accepted  []naming.Accept
	databases []schema.GroupKind
}

// Run is a post-renderer: it sees the manifest and not the hooks, which helm keeps apart.
func (s *sent) Run(manifest *bytes.Buffer) (*bytes.Buffer, error) {
	rendering, err := chart.ParseManifest(manifest.String())
	if err != nil {
		return nil, err
	}
	if rendering, err = s.prepare(rendering.With(s.more...)); err != nil {
		return nil, err
	}
	if err := s.checked(rendering); err != nil {
		return nil, err
	}
	return bytes.NewBufferString(rendering.Manifest()), nil
}

// prepare leaves out what is to be left out, and marks what lasts.
func (s *sent) prepare(rendering *chart.Rendering) (*chart.Rendering, error) {
	if s.edit != nil {
		rendering = rendering.Edit(s.edit)
	}
	_, _, err := keepLasting(rendering, s.databases)
	return rendering, err
}

func (s *sent) checked(rendering *chart.Rendering) error {
	if s.check == nil {
		return nil
	}
	return s.check(rendering)
}

// record does for the hooks what Run does for the manifest, and checks both together, and that
// the cluster can store the record. Hooks get the marks of the release, by which a later run
// knows them again. What was accepted is recorded too.
func (s *sent) record(release *helmrelease.Release) error {
	all, err := chart.ParseManifest(release.Manifest)
	if err != nil {
		return err
	}
	var hooks []*helmrelease.Hook
	for _, hook := range release.Hooks {
		rendering, err := chart.ParseManifest(hook.Manifest)
		if err != nil {
			return err
		}
		if rendering, err = s.prepare(rendering); err != nil {
			return err
		}
		for i := range rendering.Objects {
			object := &rendering.Objects[i]
			s.owner.Mark(&object.Unstructured)
			if err := object.SetText(); err != nil {
				return err
			}
			object.Hook = true
		}
		if len(rendering.Objects) > 0 {
			hook.Manifest = rendering.Manifest()
			hooks = append(hooks, hook)
			all.Objects = append(all.Objects, rendering.Objects...)
		}
	}
	release.Hooks = hooks
	if err := s.checked(all); err != nil {
		return err
	}
	recordAccepted(release, s.accepted)
	return checkSize(release)
}

// records is where helm stores its revisions. A revision is stored before anything of it is
// sent, and what is stored is what is sent: here is the last moment to refuse it.
type records struct {
	driver.Driver
	// sent prepares new revisions; nil leaves them as they are.
	sent *sent
}

// Create stores a new revision.
func (r *records) Create(key string, release *helmrelease.Release) error {
	if r.sent != nil {
		if err := r.sent.record(release); err != nil {
			return err
		}
	}
	return r.Driver.Create(key, release)
}

// keepLasting marks what lasts among the objects for helm to let it be. It returns what lasts,
// and whether any of it lacked the mark.
func keepLasting(rendering *chart.Rendering, databases []schema.GroupKind) (lasting []*chart.Object, marked bool, err error) {
	rendering.Objects = slices.Clone(rendering.Objects)
	for i := range rendering.Objects {
		object := &rendering.Objects[i]
		if !cluster.Lasts(object.GroupVersionKind().GroupKind(), databases) {
			continue
		}
		lasting = append(lasting, object)
		if cluster.Kept(&object.Unstructured) {
			continue
		}
		object.Unstructured = *object.DeepCopy()
		cluster.Keep(&object.Unstructured)
		if err := object.SetText(); err != nil {
			return nil, false, err
		}
		marked = true
	}
	return lasting, marked, nil
}
