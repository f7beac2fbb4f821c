package view

import (
	"cmp"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// Accountable is a result that reports tell of.
type Accountable interface {
	Account() report.Account
}

// artifactKind is what reports call artifacts.
const artifactKind = "artifact"

// copyResults are the words of Outcome.
var copyResults = []string{"copied", "repaired", "present", "skipped", "failed"}

// Moved is what reports tell of an artifact that a copy is done with.
func Moved(r transfer.Result) report.Item {
	row := copiedRow{plannedView: newPlannedView(r.Artifact), Result: Outcome(r)}
	row.setError(r.Err)
	if r.Incomplete != nil {
		row.Incomplete = r.Incomplete.Error()
	}
	return row.item()
}

func (r copiedRow) item() report.Item {
	item := report.Item{
		Kind: artifactKind, Name: r.Target, Source: r.Source, Digest: r.Digest, Result: r.Result,
		Bad: r.Result == "failed" || r.Incomplete != "", Skipped: r.Result == "skipped", Reason: cmp.Or(r.Error, r.Incomplete),
	}
	if item.Skipped && item.Reason == "" {
		item.Reason = "it holds other content, " + r.TargetDigest
	}
	return item
}

// Account is what was copied.
func (v Copy) Account() report.Account {
	account := report.Account{Results: copyResults, MovedBytes: &v.BytesSent, Drift: v.Drifted, Target: v.TargetTraffic.counts()}
	if v.SourceTraffic != (trafficView{}) { // not of a bundle
		account.Source = v.SourceTraffic.counts()
	}
	account.FetchedBytes = &v.BytesFetched
	if v.Shard != nil {
		account.Shard, account.Tagged = v.Shard.Shard, v.Shard.Tagged
	}
	for _, row := range v.Artifacts {
		account.Items = append(account.Items, row.item())
	}
	return account
}

func (t trafficView) counts() *registry.Counts {
	return &registry.Counts{
		Requests: t.Requests, AuthRequests: t.AuthRequests,
		BytesRead: t.BytesRead, BytesWritten: t.BytesWritten, Retries: t.Retries,
	}
}

// Account is what was saved.
func (v Saved) Account() report.Account {
	account := report.Account{Results: []string{"saved", "failed"}, MovedBytes: &v.BytesFetched, Source: v.SourceTraffic.counts()}
	account.Items = v.saved
	return account
}

// Account is what the private registry holds.
func (v Matrix) Account() report.Account {
	account := report.Account{Results: []string{"present", "missing", "damaged", "wrong"}, Target: v.traffic}
	for _, row := range v.Artifacts {
		if row.Mirrored == nil {
			continue
		}
		item := report.Item{Kind: artifactKind, Name: row.Target, Source: row.Source, Digest: row.Digest, Result: "present", Reason: row.Error}
		switch {
		case len(row.Missing) > 0:
			item.Result, item.Reason = "damaged", "it lacks "+strings.Join(row.Missing, ", ")
		case row.Error != "":
			item.Result = "wrong"
		case !*row.Mirrored:
			item.Result, item.Reason = "missing", "it is not there"
		}
		item.Bad = item.Result != "present"
		account.Items = append(account.Items, item)
	}
	return account
}

// Account is what was found in the cluster.
func (v Check) Account() report.Account {
	account := report.Account{Results: []string{"ok", "wrong", "accepted"}, Target: v.traffic}
	add := func(item report.Item) { account.Items = append(account.Items, item) }
	for _, text := range v.differs {
		add(check(artifactKind, text, "", false, text))
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
