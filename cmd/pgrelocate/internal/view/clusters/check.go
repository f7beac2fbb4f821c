package clusters

import (
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/installing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Check is the result of `pgrelocate verify`.
type Check struct {
	output.Header
	view.OfRun
	// OK says that nothing is wrong.
	OK          bool   `json:"ok"`
	HelmRelease string `json:"helmRelease"`
	Namespace   string `json:"namespace"`
	Revision    int    `json:"revision"`
	// Status is the helm release's: "deployed" where all is well.
	Status string `json:"status"`
	Chart  string `json:"chart"`
	// Problems is everything that is wrong, in words.
	Problems  []string       `json:"problems"`
	Workloads []workloadView `json:"workloads"`
	// Images are those that the release names outside of its versions.
	Images []imageView `json:"images"`
	// Versions are those that a user of the cluster can pick.
	Versions []pickView `json:"versions"`
	// Namespaces are those that need the pull secret.
	Namespaces []namespaceView `json:"namespaces"`
	// Beside are the helm releases of the product's other charts, whose workloads and images stand
	// with the others; absent where there are none.
	Beside []besideView `json:"beside,omitempty"`
	// differs is what the private registry does not hold of a bundle.
	differs []string
	// traffic is for reports; nil where nobody has counted.
	traffic *registry.Counts
	// width is that of the terminal; 0 is none.
	width int
}

// besideView is the helm release of a chart beside the operator's.
type besideView struct {
	HelmRelease string `json:"helmRelease"`
	Revision    int    `json:"revision"`
	Status      string `json:"status"`
	Chart       string `json:"chart"`
}

// workloadView is something that the release runs.
type workloadView struct {
	Object string `json:"object"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"`
}

// imageView is an image, asked for with the secret as it is stored in the cluster.
type imageView struct {
	Image string `json:"image"`
	// Digest is what the registry has under that name.
	Digest string `json:"digest,omitempty"`
	Pulls  bool   `json:"pulls"`
	// Reason says why it does not.
	Reason string `json:"reason,omitempty"`
	// Accepted is why it may come from elsewhere, so that it was not asked for; absent for all others.
	Accepted string `json:"accepted,omitempty"`
	// Node says whether a node could pull it; absent without --pull.
	Node *bool `json:"node,omitempty"`
}

// pickView is a version that a user can pick.
type pickView struct {
	Name      string `json:"name"`
	DBVersion string `json:"dbVersion"`
	imageView
	// Edited says that it is not as the release made it; Expected is the release's image.
	Edited   bool   `json:"edited,omitempty"`
	Expected string `json:"expected,omitempty"`
}

// namespaceView is a namespace that needs the pull secret.
type namespaceView struct {
	Namespace string `json:"namespace"`
	// Instances is how many databases it has.
	Instances int    `json:"instances"`
	Secret    string `json:"secret"`
	// OK says that the secret is there and the registry accepts it.
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// NewVerified shows what a verification found.
func NewVerified(v *installing.Verified) Check {
	made := newCheck(v.Check)
	made.traffic = &v.Traffic
	if v.Differs == nil {
		return made
	}
	for i, d := range v.Differs.Differences {
		made.Problems = slices.Insert(made.Problems, i, d.Error())
		made.differs = append(made.differs, d.Error())
	}
	made.OK = false
	return made
}

func newCheck(c *verify.Check) Check {
	made := Check{
		Header: output.NewHeader("Check"), OK: c.OK(),
		HelmRelease: c.HelmRelease, Namespace: c.Namespace, Revision: c.Revision, Status: string(c.Status), Chart: c.Chart,
		Problems: []string{}, Workloads: []workloadView{}, Images: []imageView{}, Versions: []pickView{}, Namespaces: []namespaceView{},
	}
	for _, p := range c.Problems() {
		made.Problems = append(made.Problems, p.Text)
	}
	for _, each := range append([]*verify.Check{c}, c.Others...) {
		for _, w := range each.Workloads {
			made.Workloads = append(made.Workloads, workloadView{w.Object, w.Err == nil, reason(w.Err)})
		}
		for _, i := range each.Images {
			made.Images = append(made.Images, newImageView(i))
		}
		if each != c {
			made.Beside = append(made.Beside, besideView{each.HelmRelease, each.Revision, string(each.Status), each.Chart})
		}
	}
	for _, v := range c.Versions {
		made.Versions = append(made.Versions, pickView{v.Name, v.DBVersion, newImageView(v.ImageCheck), v.Edited, v.Expected})
	}
	for _, n := range c.Namespaces {
		made.Namespaces = append(made.Namespaces, namespaceView{n.Namespace, n.Instances, n.Secret, n.Err == nil, reason(n.Err)})
	}
	return made
}

func newImageView(i verify.ImageCheck) imageView {
	return imageView{i.Image, i.Digest, i.Err == nil && i.Accepted == "", reason(i.Err), i.Accepted, i.Node}
}

// reason is an error in words; empty where there is none.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Fit implements view.Fitting.
func (v Check) Fit(width int) output.View {
	v.width = width
	return v
}

// Of implements view.Run.
func (v Check) Of(run view.OfRun) output.View {
	v.OfRun = run
	return v
}
