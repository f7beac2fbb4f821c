package install

import (
	"fmt"
	"strings"
)

// Check is what a verification found.
type Check struct {
	HelmRelease string
	Namespace   string
	Revision    int
	// Status is the helm release's: "deployed" where all is well.
	Status string
	Chart  string
	// Workloads are what the release runs.
	Workloads []WorkloadCheck
	// Images are those that the release names outside of its versions.
	Images []ImageCheck
	// Versions are those that a user of the cluster can pick.
	Versions []VersionCheck
	// Namespaces are those that need the pull secret.
	Namespaces []NamespaceCheck
}

// WorkloadCheck is one workload of the release.
type WorkloadCheck struct {
	Object string
	Ready  bool
	Reason string
	Hint   string
}

// ImageCheck is one image, asked for with the pull secret as it is stored in the cluster.
type ImageCheck struct {
	Image string
	// Digest is what the registry has under that name.
	Digest string
	// Pulls says that the registry gives it out; Reason says why not.
	Pulls  bool
	Reason string
	Hint   string
	// Node says that a node has pulled it; nil where that was not tried.
	Node *bool
}

// VersionCheck is one version that users can pick, a PostgresVersion for example.
type VersionCheck struct {
	Name      string
	DBVersion string
	ImageCheck
	// Edited says that it is not as the release made it; Expected is the release's image,
	// empty where the release has no such version.
	Edited   bool
	Expected string
}

// NamespaceCheck is one namespace that needs the pull secret.
type NamespaceCheck struct {
	Namespace string
	// Instances is how many databases it has.
	Instances int
	Secret    string
	// OK says that the secret is there and the registry accepts it.
	OK     bool
	Reason string
	Hint   string
}

// Problem is one thing that is wrong.
type Problem struct{ Text, Hint string }

// Problems lists everything that is wrong, the gravest first; none means that all is well.
func (c *Check) Problems() []Problem {
	var all []Problem
	add := func(hint, format string, args ...any) { all = append(all, Problem{fmt.Sprintf(format, args...), hint}) }
	if c.Status != "deployed" {
		add("run `pgrelocate install` again", "helm release %s is in state %s", c.HelmRelease, c.Status)
	}
	for _, w := range c.Workloads {
		if !w.Ready {
			add(w.Hint, "%s is not ready: %s", w.Object, w.Reason)
		}
	}
	for _, i := range c.Images {
		if !i.Pulls {
			add(i.Hint, "%s cannot be pulled: %s", i.Image, i.Reason)
		}
	}
	for _, v := range c.Versions {
		if !v.Pulls {
			add(v.Hint, "%s cannot be pulled: %s", v.Name, v.Reason)
		} else if v.Edited {
			add("install again to restore it, or edit it back", "%s is not as the release made it", v.Name)
		}
	}
	for _, n := range c.Namespaces {
		if !n.OK {
			add(n.Hint, "namespace %s: %s", n.Namespace, n.Reason)
		}
	}
	return all
}

// OK tells whether nothing is wrong.
func (c *Check) OK() bool { return len(c.Problems()) == 0 }

// Summary is the result in one line.
func (c *Check) Summary() string {
	ready, pulls := 0, 0
	for _, w := range c.Workloads {
		if w.Ready {
			ready++
		}
	}
	for _, v := range c.Versions {
		if v.Pulls {
			pulls++
		}
	}
	var words []string
	if len(c.Workloads) > 0 {
		words = append(words, fmt.Sprintf("%d of %d workloads ready", ready, len(c.Workloads)))
	}
	if len(c.Versions) > 0 {
		words = append(words, fmt.Sprintf("%d of %d versions can be pulled", pulls, len(c.Versions)))
	}
	secret := 0
	for _, n := range c.Namespaces {
		if n.OK {
			secret++
		}
	}
	return strings.Join(append(words, fmt.Sprintf("%d of %d namespaces have what they need", secret, len(c.Namespaces))), ", ")
}
