package ref

import (
	"slices"
	"strings"
)

// DockerHub is the host under which Canonical knows Docker Hub.
const DockerHub = "docker.io"

// hubHosts are the names under which one may meet Docker Hub.
var hubHosts = []string{DockerHub, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}

// library is the namespace of Docker Hub that nobody writes.
const library = "library/"

// latest is the tag that nobody writes.
const latest = "latest"

// CanonicalHost is the one name of a host that has several: Docker Hub's is DockerHub.
func CanonicalHost(host string) string {
	if slices.Contains(hubHosts, host) {
		return DockerHub
	}
	return host
}

// Hosts are all names of a registry: those of Docker Hub, or else the one that was given.
func Hosts(host string) []string {
	if CanonicalHost(host) == DockerHub {
		return slices.Clone(hubHosts)
	}
	return []string{host}
}

// Canonical is r as it is compared with others: Docker Hub under its one name, and what
// lies in no namespace there below "library/".
func (r Reference) Canonical() Reference {
	r.Host = CanonicalHost(r.Host)
	if r.Host == DockerHub && r.Repository != "" && !strings.Contains(r.Repository, "/") {
		r.Repository = library + r.Repository
	}
	return r
}

// Holds tells whether what r names lies in the folder, by whatever name of Docker Hub.
func (f Folder) Holds(r Reference) bool {
	r = r.Canonical()
	return CanonicalHost(f.Host) == r.Host && (f.Path == "" || strings.HasPrefix(r.Repository, f.Path+"/"))
}

// Parent is the folder that r lies in.
func (r Reference) Parent() Folder {
	if at := strings.LastIndexByte(r.Repository, '/'); at >= 0 {
		return Folder{Host: r.Host, Path: r.Repository[:at]}
	}
	return Folder{Host: r.Host}
}

// ParseImage reads the name of an image as container runtimes do, and gives it in its
// canonical form: without a host it is Docker Hub's. Nothing else is filled in: see
// Reference.Tagged.
func ParseImage(s string) (Reference, error) {
	host, path, found := strings.Cut(s, "/")
	if found && isHost(host) {
		s = strings.ToLower(host) + "/" + path
	} else {
		s = DockerHub + "/" + s
	}
	r, err := Parse(expandLibrary(s))
	return r.Canonical(), err
}

// Tagged is r with the tag "latest" where neither a tag nor a digest is given, as runtimes
// pull it.
func (r Reference) Tagged() Reference {
	if r.Tag == "" && r.Digest == "" {
		r.Tag = latest
	}
	return r
}

// isHost tells whether runtimes take the first element of a name for a host.
func isHost(element string) bool { return element == "localhost" || strings.ContainsAny(element, ".:") }

// expandLibrary writes the namespace out that Parse wants of Docker Hub's repositories.
func expandLibrary(s string) string {
	host, path, _ := strings.Cut(s, "/")
	if CanonicalHost(host) == DockerHub && !strings.Contains(path, "/") {
		return host + "/" + library + path
	}
	return s
}
