package independence

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// public are registries that many use and that belong to somebody else; one with a leading dot is
// all names that end so.
var public = []string{
	"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "quay.io", "ghcr.io", "gcr.io", ".gcr.io", ".pkg.dev",
	"registry.k8s.io", "k8s.gcr.io", "public.ecr.aws", "mcr.microsoft.com", "registry.gitlab.com", "registry.redhat.io",
	"registry.access.redhat.com", "nvcr.io", "icr.io", ".icr.io", "cgr.dev", "docker.elastic.co", "container-registry.oracle.com",
	"registry.suse.com", "xpkg.upbound.io", "lscr.io", "registry.developers.crunchydata.com", "docker.pkg.github.com",
}

// known are the registries to look for.
func known(vendors []string) []string {
	all := slices.Clone(public)
	for _, host := range vendors {
		all = append(all, ref.Hosts(strings.ToLower(host))...)
	}
	return all
}

// look is a Look that is under way.
type look struct {
	Options
	registries []string

	mu     sync.Mutex
	report Findings
	full   bool // a bound was reached
}

// finish puts what was found into order. What an object has from its owner, that names the same, is
// the owner's.
func (l *look) finish() *Findings {
	named := map[string]bool{}
	for _, m := range l.report.Mentions {
		named[m.Object+"\x00"+m.Host+"\x00"+m.Names] = true
	}
	kept := slices.DeleteFunc(l.report.Mentions, func(m Mention) bool {
		return m.Names != "" && named[m.Owner+"\x00"+m.Host+"\x00"+m.Names]
	})
	slices.SortFunc(kept, func(a, b Mention) int {
		return strings.Compare(a.Object+"\x00"+a.Path+"\x00"+a.Names, b.Object+"\x00"+b.Path+"\x00"+b.Names)
	})
	slices.SortFunc(l.report.Unseen, func(a, b Unseen) int { return strings.Compare(a.What, b.What) })
	l.report.Mentions = kept
	return &l.report
}

// object looks at one; false says that it is enough.
func (l *look) object(object *unstructured.Unstructured) bool {
	l.mu.Lock()
	if l.report.Objects >= l.Objects || len(l.report.Mentions) >= l.Mentions {
		l.full = true
	}
	full := l.full
	if !full {
		l.report.Objects++
	}
	l.mu.Unlock()
	if full {
		return false
	}
	v := &visit{look: l, title: cluster.Title(object), owner: ownerOf(object), prose: object.GetKind() == cluster.Definition.Kind}
	if object.GetKind() == "Secret" && object.GetAPIVersion() == "v1" {
		v.secret(object)
	} else {
		v.fields(object.Object)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Mentions = append(l.report.Mentions, v.found...)
	return true
}

// visit is one object that is looked at.
type visit struct {
	look         *look
	title, owner string
	found        []Mention
	// prose says that descriptions are for people, as in the schema of a CRD.
	prose bool
}

// recorded are annotations that repeat what the object was made of.
var recorded = []string{"kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/desired-replicas"}

// fields looks at what an object should be, and not at what has become of it.
func (v *visit) fields(object map[string]any) {
	for key, value := range object {
		switch key {
		case "status", "kind", "apiVersion":
		case "metadata":
			metadata, _ := value.(map[string]any)
			annotations, _ := metadata["annotations"].(map[string]any)
			for name, text := range annotations {
				if !slices.Contains(recorded, name) {
					v.value("metadata.annotations["+name+"]", text)
				}
			}
		default:
			v.value(key, value)
		}
	}
}

func (v *visit) value(path string, value any) {
	switch value := value.(type) {
	case string:
		v.text(path, value)
	case []any:
		for i, element := range value {
			v.value(fmt.Sprintf("%s[%d]", path, i), element)
		}
	case map[string]any:
		for key, element := range value {
			if key != "description" || !v.prose {
				v.value(path+"."+key, element)
			}
		}
	}
}

// word is what may be a host, with all that a reference may have after it.
var word = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?(?:/[A-Za-z0-9._/:@-]*)?`)

// longest bounds what is shown, and mostText what is read of one string.
const (
	longest  = 200
	mostText = 1 << 20
)

// text keeps what a string names, each thing once.
func (v *visit) text(path, text string) {
	text = text[:min(len(text), mostText)]
	seen := map[string]bool{}
	for _, found := range word.FindAllString(text, -1) {
		host, _, _ := strings.Cut(found, "/")
		if v.look.foreign(host, found) && !seen[found] {
			seen[found] = true
			v.mention(path, host, found)
		}
	}
	if isImage(path) && len(seen) == 0 {
		// An image without a registry is Docker Hub's.
		image, err := ref.ParseImage(text)
		if err == nil && ref.CanonicalHost(image.Host) == ref.DockerHub && v.look.foreign(ref.DockerHub, image.String()) {
			v.mention(path, ref.DockerHub, text)
		}
	}
}

func (v *visit) mention(path, host, names string) {
	names = strings.TrimRight(names, ".:/")
	v.found = append(v.found, Mention{
		Object: v.title, Path: path, Host: ref.CanonicalHost(strings.ToLower(host)), Names: names[:min(len(names), longest)], Owner: v.owner,
	})
}

// isImage tells fields that hold the image of a container.
func isImage(path string) bool { return strings.HasSuffix(path, "].image") || path == "spec.imageName" }

// foreign tells whether a host is somebody else's registry, and what it names not ours.
func (l *look) foreign(host, names string) bool {
	host = strings.ToLower(host)
	if ours := l.Ours.String(); !l.Ours.IsZero() && (names == ours || strings.HasPrefix(names, strings.TrimSuffix(ours, "/")+"/")) {
		return false
	}
	if !l.Ours.IsZero() && l.Ours.Path == "" && host == l.Ours.Host {
		return false
	}
	return slices.ContainsFunc(l.registries, func(known string) bool {
		return host == known || known[0] == '.' && strings.HasSuffix(host, known)
	})
}

// secret tells in which keys of a secret a registry is named, and nothing of what is in them.
func (v *visit) secret(object *unstructured.Unstructured) {
	if kind, _, _ := unstructured.NestedString(object.Object, "type"); kind == "helm.sh/release.v1" {
		return // a record, compressed
	}
	data, _, _ := unstructured.NestedMap(object.Object, "data")
	for key, value := range data {
		encoded, _ := value.(string)
		plain, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		inside := &visit{look: v.look, title: v.title, owner: v.owner}
		inside.text("data["+key+"]", string(plain))
		hosts := map[string]bool{}
		for _, m := range inside.found {
			if !hosts[m.Host] {
				hosts[m.Host] = true
				m.Names = ""
				v.found = append(v.found, m)
			}
		}
	}
}
