package clusters

import (
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// Account is what was found in the cluster.
func (v Check) Account() report.Account {
	account := report.Account{Results: []string{"ok", "wrong", "accepted"}, Target: v.traffic}
	add := func(item report.Item) { account.Items = append(account.Items, item) }
	for _, text := range v.differs {
		add(check(view.ArtifactKind, text, "", false, text))
	}
	add(check("release", v.Namespace+"/"+v.HelmRelease, "", v.Status == string(helm.Deployed), "it is in state "+v.Status))
	for _, b := range v.Beside {
		add(check("release", v.Namespace+"/"+b.HelmRelease, "", b.Status == string(helm.Deployed), "it is in state "+b.Status))
	}
	for _, w := range v.Workloads {
		add(check("workload", w.Object, "", w.Ready, w.Reason))
	}
	for _, i := range v.Images {
		add(checkImage("image", i.Image, i, false))
	}
	for _, p := range v.Versions {
		add(checkImage("version", p.Name, p.imageView, p.Edited))
	}
	for _, n := range v.Namespaces {
		add(check("namespace", n.Namespace, "", n.OK, n.Reason))
	}
	return account
}

// check is one thing that was checked.
func check(kind, name, digest string, ok bool, reason string) report.Item {
	if ok {
		return report.Item{Kind: kind, Name: name, Digest: digest, Result: "ok"}
	}
	return report.Item{Kind: kind, Name: name, Digest: digest, Result: "wrong", Bad: true, Reason: reason}
}

// checkImage is an image that was checked, or not, for it may come from elsewhere.
func checkImage(kind, name string, i imageView, edited bool) report.Item {
	if i.Accepted != "" {
		return report.Item{Kind: kind, Name: name, Result: "accepted", Skipped: true, Reason: i.Accepted}
	}
	if edited && i.Pulls {
		return check(kind, name, i.Digest, false, "it is not as the release made it")
	}
	return check(kind, name, i.Digest, i.Pulls, i.Reason)
}

// Account is what was found in the cluster after the installation.
func (v Install) Account() report.Account {
	if v.Check == nil {
		return report.Account{}
	}
	return v.Check.Account()
}
