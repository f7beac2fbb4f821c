package doctor

import (
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/internal/finding"
	inside "github.com/pgrelocate/pgrelocate/internal/install/checkup"
	"github.com/pgrelocate/pgrelocate/internal/registry/checkup"
)

// nameRegistry: there is no target.
const nameRegistry finding.Remedy = "registry"

// entry puts a finding into its place, and the words of this program beside it.
func (e *examination) entry(side, host string, vendor checkup.Vendor, found finding.Finding) Entry {
	entry := Entry{Side: side, Host: host, Finding: found}
	switch {
	case found.Remedy == checkup.CreateRepositories:
		entry.Fix = createRepositories(vendor, host, found.About)
	case found.Remedy != "":
		entry.Fix = e.fix(entry)
	}
	if entry.Fix == "" {
		entry.Fix = advice.For(found.Err)
	}
	return entry
}

// fix is what to do about a remedy.
func (e *examination) fix(of Entry) string {
	login := fmt.Sprintf("get a new login and run `pgrelocate login %s`; in a cluster, a credential helper or a rotated secret", of.Host)
	return map[finding.Remedy]string{
		nameRegistry:         "name it: --registry HOST[/PATH]",
		checkup.LookUp:       fmt.Sprintf("is %s the right name? if it is, ask for an entry in the name server of this machine, or for a proxy (HTTPS_PROXY) that knows it", of.Host),
		checkup.LogIn:        login,
		checkup.Renew:        fmt.Sprintf("have the certificate of %s renewed", of.Host),
		checkup.Between:      "if a proxy opens TLS, have it let this host pass, for what it changes fails by its digest; a mirror is named with --source",
		checkup.Encrypt:      "put TLS before the registry, and leave out the flag that allows plain HTTP",
		checkup.SetClock:     "have both machines keep time (chrony, systemd-timesyncd), and look at this one first: timedatectl",
		checkup.SlowDown:     "log in, for logins usually have higher limits; --jobs 2 asks more slowly, and a run that was stopped goes on where it was",
		checkup.AskFurther:   "--write-probe opens uploads and cancels them",
		checkup.Grant:        fmt.Sprintf("ask whoever runs %s to let the login push to %s", of.Host, list(of.About)),
		checkup.RaiseLimit:   "raise the limit of the proxy before the registry (nginx: client_max_body_size 0); until then copies take more requests",
		checkup.CleanUp:      "have whoever runs the registry remove it, or let its garbage collection do that",
		inside.Allow:         "ask whoever runs the cluster for these permissions: kubectl auth can-i tells once they are there",
		inside.InstallFirst:  "install it first, or let install do that with --with-prerequisites",
		inside.MendWebhook:   "look at its pods and at network policies: kubectl get pods -A; it answers before the operator can be installed",
		inside.OtherPlatform: "copy images for these nodes (--platform), or keep the pods to nodes that fit with a node selector",
		inside.MakeSecret:    fmt.Sprintf("pgrelocate secret --registry %s --namespace %s", e.Config.Registry, strings.Join(of.About, " --namespace ")),
		"open":               "if that is not meant, have it ask for a login",
		"proxy":              "write the proxy as http://HOST:PORT into HTTPS_PROXY",
	}[of.Remedy]
}

// createRepositories is how repositories are made that have to be there before something is pushed.
func createRepositories(vendor checkup.Vendor, host string, repositories []string) string {
	first := ""
	if len(repositories) > 0 {
		first, _, _ = strings.Cut(repositories[0], "/")
	}
	switch vendor {
	case checkup.ECR:
		return ecr(host, repositories)
	case checkup.Harbor:
		return fmt.Sprintf("make the project %s in Harbor (Projects, New Project), and give the login the right to push there; repositories in it come by themselves", first)
	case checkup.GitLab:
		return fmt.Sprintf("the path has to be that of a GitLab project, with at most two names after it: make the project, enable its container registry, and name it with --registry %s/GROUP/PROJECT", host)
	case checkup.Artifactory:
		return fmt.Sprintf("is %s the key of a local Docker repository, or of a virtual one that deploys to one? make it in Artifactory, and name it with --registry %s/KEY", first, host)
	case checkup.Quay:
		return fmt.Sprintf("is there an organization %s, and may the login create repositories in it? in Quay that is the role Creator of a team, or make them beforehand: %s", first, list(repositories))
	}
	return fmt.Sprintf("the registry may want them to be there before something is pushed: make %s, or ask for the right to", list(repositories))
}

// ecr are the commands that make repositories in ECR.
func ecr(host string, repositories []string) string {
	region := "REGION"
	if parts := strings.Split(host, "."); len(parts) > 3 && parts[2] == "ecr" {
		region = parts[3]
	}
	return fmt.Sprintf("make each: for r in %s; do aws ecr create-repository --region %s --repository-name $r; done; or a repository creation template for CREATE_ON_PUSH",
		strings.Join(repositories, " "), region)
}

func list(names []string) string {
	const shown = 4
	text := strings.Join(names[:min(shown, len(names))], ", ")
	if len(names) > shown {
		text += fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return text
}
