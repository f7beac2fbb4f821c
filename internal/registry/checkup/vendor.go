package checkup

import (
	"net"
	"net/url"
	"strings"
)

// Vendor is whose software, or service, a registry is.
type Vendor string

// The vendors that are recognised. Each differs in what has to be there before something is pushed.
const (
	Unknown     Vendor = ""
	ECR         Vendor = "Amazon ECR"
	Harbor      Vendor = "Harbor"
	Artifactory Vendor = "JFrog Artifactory"
	GitLab      Vendor = "GitLab"
	Quay        Vendor = "Quay"
	Google      Vendor = "Google Artifact Registry"
	Azure       Vendor = "Azure Container Registry"
	DockerHub   Vendor = "Docker Hub"
	GitHub      Vendor = "GitHub Packages"
	Nexus       Vendor = "Sonatype Nexus"
)

// byHost are the services that names give away, by their suffix.
var byHost = []struct {
	suffix string
	vendor Vendor
}{
	{".jfrog.io", Artifactory}, {"registry.gitlab.com", GitLab}, {"quay.io", Quay}, {"-docker.pkg.dev", Google},
	{"gcr.io", Google}, {".azurecr.io", Azure}, {"docker.io", DockerHub}, {"ghcr.io", GitHub}, {"public.ecr.aws", ECR},
}

// vendor tells from the name, and from what the registry says of itself, whose it is.
func (e *examination) vendor() Vendor {
	host := e.Client.Host()
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.Contains(host, ".dkr.ecr") && (strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")) {
		return ECR
	}
	for _, known := range byHost {
		if host == known.suffix || strings.HasSuffix(host, known.suffix) && (known.suffix[0] == '.' || known.suffix[0] == '-') || strings.HasSuffix(host, "."+known.suffix) {
			return known.vendor
		}
	}
	return e.byAnswers()
}

func (e *examination) byAnswers() Vendor {
	all := e.Recorder.from(e.Client.Host())
	standing := e.Client.Transport().Standing()
	realm, _ := url.Parse(standing.Realm)
	if realm == nil {
		realm = &url.URL{}
	}
	server := header(all, "Server")
	switch {
	case standing.Service == "harbor-registry":
		return Harbor
	case header(all, "X-Jfrog-Version", "X-Artifactory-Id") != "", strings.HasPrefix(server, "Artifactory"):
		return Artifactory
	case header(all, "Gitlab-Container-Registry-Version") != "", strings.HasSuffix(realm.Path, "/jwt/auth") && standing.Service == "container_registry":
		return GitLab
	case strings.HasSuffix(realm.Path, "/v2/auth") && realm.Host == standing.Service:
		return Quay
	case strings.HasPrefix(server, "Nexus/"):
		return Nexus
	}
	return Unknown
}
