package verify

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// Check is what a verification found.
type Check struct {
	HelmRelease string
	Namespace   string
	Revision    int
	// Status is the helm release's: helm.Deployed where all is well.
	Status helm.Status
	Chart  string
	// Workloads are what the release runs.
	Workloads []WorkloadCheck
	// Images are those that the release names outside of its versions.
	Images []ImageCheck
	// Versions are those that a user of the cluster can pick.
	Versions []VersionCheck
	// Namespaces are those that need the pull secret.
	Namespaces []NamespaceCheck
	// Others are of the helm releases that belong to the same product.
	Others []*Check
}

// WorkloadCheck is one workload of the release.
type WorkloadCheck struct {
	Object string
	// Err says why it is not ready; nil where it is.
	Err error
}

// ImageCheck is one image, asked for with the pull secret as it is stored in the cluster.
type ImageCheck struct {
	Image string
	// Digest is what the registry has under that name.
	Digest string
	// Err says why the registry, or a node, does not give it out; nil where it does.
	Err error
	// Accepted is why it may come from elsewhere, so that nobody was asked for it; empty for
	// all others.
	Accepted string
	// Node says that a node has pulled it; nil where that was not tried.
	Node *bool
}

// VersionCheck is one version that users can pick, a PostgresVersion for example.
type VersionCheck struct {
	Name      string
	DBVersion string
	ImageCheck
	// Edited says that it is not as the release made it; Expected is the release's image,
	// empty where the release has no such version. One that is gone has ErrGone.
	Edited   bool
	Expected string
}

// NamespaceCheck is one namespace that needs the pull secret.
type NamespaceCheck struct {
	Namespace string
	// Instances is how many databases it has.
	Instances int
	Secret    string
	// Err says what is wrong; nil where the secret is there and the registry accepts it.
	Err error
}

// Problem is one thing that is wrong. It unwraps to its cause.
type Problem struct {
	// Subject is what it is about, as the Check has it: an image, a version, a namespace, ….
	Subject string
	Text    string
	Err     error
}

// Error is the problem in one line.
func (p *Problem) Error() string { return p.Text }

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// Problems lists everything that is wrong, the gravest first; none means that all is well.
func (c *Check) Problems() []*Problem {
	var all []*Problem
	add := func(subject string, err error, format string, args ...any) {
		all = append(all, &Problem{Subject: subject, Text: fmt.Sprintf(format, args...), Err: err})
	}
	if c.Status != helm.Deployed {
		add(c.HelmRelease, &StatusError{c.Status}, "helm release %s is in state %s", c.HelmRelease, c.Status)
	}
	for _, w := range c.Workloads {
		if errors.Is(w.Err, ErrEdited) {
			add(w.Object, w.Err, "%s is not as the release made it: %v", w.Object, w.Err)
		} else if w.Err != nil {
			add(w.Object, w.Err, "%s is not ready: %v", w.Object, w.Err)
		}
	}
	for _, i := range c.Images {
		if i.Err != nil {
			add(i.Image, i.Err, "%s cannot be pulled: %v", i.Image, i.Err)
		}
	}
	for _, v := range c.Versions {
		if errors.Is(v.Err, ErrGone) {
			add(v.Name, v.Err, "%s of the release cannot be picked: %v", v.Name, v.Err)
		} else if v.Err != nil {
			add(v.Name, v.Err, "%s cannot be pulled: %v", v.Name, v.Err)
		} else if v.Edited {
			add(v.Name, ErrEdited, "%s is not as the release made it", v.Name)
		}
	}
	for _, n := range c.Namespaces {
		if n.Err != nil {
			add(n.Namespace, n.Err, "namespace %s: %v", n.Namespace, n.Err)
		}
	}
	for _, other := range c.Others {
		all = append(all, other.Problems()...)
	}
	return all
}

// OK tells whether nothing is wrong.
func (c *Check) OK() bool { return len(c.Problems()) == 0 }

// Summary is the result in one line.
func (c *Check) Summary() string {
	ready, running, pulls, secret := 0, 0, 0, 0
	for _, each := range append([]*Check{c}, c.Others...) {
		for _, w := range each.Workloads {
			running++
			if w.Err == nil {
				ready++
			}
		}
	}
	for _, v := range c.Versions {
		if v.Err == nil {
			pulls++
		}
	}
	for _, n := range c.Namespaces {
		if n.Err == nil {
			secret++
		}
	}
	var words []string
	if running > 0 {
		words = append(words, fmt.Sprintf("%d of %d workloads ready", ready, running))
	}
	if len(c.Versions) > 0 {
		words = append(words, fmt.Sprintf("%d of %d versions can be pulled", pulls, len(c.Versions)))
	}
	return strings.Join(append(words, fmt.Sprintf("%d of %d namespaces have what they need", secret, len(c.Namespaces))), ", ")
}
