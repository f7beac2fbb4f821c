package copies

import (
	"cmp"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// copyResults are the words of Outcome.
var copyResults = []string{"copied", "repaired", "present", "skipped", "failed"}

// Moved is what reports tell of an artifact that a copy is done with.
func Moved(r transfer.Result) report.Item {
	row := copiedRow{Planned: view.NewPlanned(r.Artifact), Result: Outcome(r)}
	row.SetError(r.Err)
	if r.Incomplete != nil {
		row.Incomplete = r.Incomplete.Error()
	}
	return row.item()
}

func (r copiedRow) item() report.Item {
	item := report.Item{
		Kind: view.ArtifactKind, Name: r.Target, Source: r.Source, Digest: r.Digest, Result: r.Result,
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

// Account is what was saved.
func (v Saved) Account() report.Account {
	account := report.Account{Results: []string{"saved", "failed"}, MovedBytes: &v.BytesFetched, Source: v.SourceTraffic.counts()}
	account.Items = v.saved
	return account
}
