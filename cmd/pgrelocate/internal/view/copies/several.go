package copies

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Copies is the result of `pgrelocate copy` and `pgrelocate load` where several private registries are
// named.
type Copies struct {
	output.Header
	view.OfRun
	// Registries are in the order in which they were named.
	Registries []copiedRegistry `json:"registries"`
	// Failed counts those whose exit code is not 0.
	Failed int `json:"failed"`
	// BytesFetched are bytes of blobs from the sources, for all registries together, and SourceTraffic
	// is what went over the wire to them.
	BytesFetched    int64       `json:"bytesFetched"`
	SourceTraffic   trafficView `json:"sourceTraffic"`
	DurationSeconds float64     `json:"durationSeconds"`
}

// copiedRegistry is one of several private registries.
type copiedRegistry struct {
	registryOutcome
	// BlobsReadAgain and BytesReadAgain were fetched for it though others had fetched them before, for
	// they could not be kept any longer.
	BlobsReadAgain int   `json:"blobsReadAgain"`
	BytesReadAgain int64 `json:"bytesReadAgain"`
	// Report is as that of a copy to this registry alone, but that what came from the sources is not
	// counted there; absent where it did not come to copying.
	Report *Copy `json:"report,omitempty"`
}

// registryOutcome is how a run ended for one of several private registries.
type registryOutcome struct {
	// Registry is HOST[/PATH] as it was given.
	Registry string `json:"registry"`
	// ExitCode is what the run would have ended with, had this been the only one.
	ExitCode int `json:"exitCode"`
	// Cause is as that of an artifact. Error and Hint say it to people.
	Cause string `json:"cause,omitempty"`
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

func newRegistryOutcome(t copying.Target) registryOutcome {
	o := registryOutcome{Registry: t.Registry.String(), ExitCode: exit.Code(t.Err)}
	if t.Err != nil {
		o.Cause, o.Error, o.Hint = view.CauseOf(t.Err), t.Err.Error(), advice.For(t.Err)
	}
	return o
}

// NewCopies shows what was done for several private registries.
func NewCopies(several *copying.Several) Copies {
	made := Copies{
		Header: output.NewHeader("CopyReports"), Registries: []copiedRegistry{},
		BytesFetched: several.BytesFetched, SourceTraffic: newTrafficView(several.Source),
		DurationSeconds: several.Duration.Round(time.Millisecond).Seconds(),
	}
	for _, t := range several.Targets {
		one := copiedRegistry{registryOutcome: newRegistryOutcome(t), BlobsReadAgain: t.Again.Blobs, BytesReadAgain: t.Again.Bytes}
		if t.Copied != nil {
			report := NewCopy(t.Registry, t.Copied, one.ExitCode == exit.Interrupted)
			report.BytesFetched, report.SourceTraffic = 0, newTrafficView(registry.Counts{})
			one.Report = &report
		}
		if t.Err != nil {
			made.Failed++
		}
		made.Registries = append(made.Registries, one)
	}
	return made
}

// WriteTable writes the account of each registry, and what all have in common.
func (v Copies) WriteTable(w io.Writer) error {
	var text bytes.Buffer
	for _, one := range v.Registries {
		fmt.Fprintln(&text, one.heading())
		if one.Report != nil {
			if err := one.Report.WriteTable(&text); err != nil {
				return err
			}
		}
		if one.BlobsReadAgain > 0 {
			fmt.Fprintf(&text, "read again for it, for want of room in the temporary folder: %s, %s\n", output.Count(one.BlobsReadAgain, "blob"), output.Bytes(one.BytesReadAgain))
		}
		fmt.Fprintln(&text)
	}
	fmt.Fprintf(&text, "%d registries: %d done, %d failed\n", len(v.Registries), len(v.Registries)-v.Failed, v.Failed)
	if v.SourceTraffic != (trafficView{}) {
		fmt.Fprintf(&text, "source, for all of them: %s\n", v.SourceTraffic)
	}
	_, err := w.Write(text.Bytes())
	return err
}

// heading is the registry, and in a word how the run ended for it.
func (o registryOutcome) heading() string {
	if o.ExitCode == exit.OK {
		return o.Registry + ": done"
	}
	for _, meaning := range exit.Meanings() {
		if meaning.Code == o.ExitCode {
			return fmt.Sprintf("%s: %s (exit code %d)", o.Registry, meaning.Name, o.ExitCode)
		}
	}
	return fmt.Sprintf("%s: exit code %d", o.Registry, o.ExitCode)
}

// Accounts are what reports tell of each registry, in their order.
func (v Copies) Accounts() []report.Account {
	accounts := make([]report.Account, len(v.Registries))
	for i, one := range v.Registries {
		if one.Report != nil {
			accounts[i] = one.Report.Account()
		}
	}
	return accounts
}

// Of implements view.Run.
func (v Copies) Of(run view.OfRun) output.View {
	v.OfRun = run
	return v
}

// Plans is the result of `pgrelocate plan`, and of dry runs, where several private registries are named.
type Plans struct {
	output.Header
	// Registries are in the order in which they were named.
	Registries []plannedRegistry `json:"registries"`
}

// plannedRegistry is one of several private registries.
type plannedRegistry struct {
	registryOutcome
	// Plan is as that for this registry alone; absent where nothing could be planned.
	Plan *Plan `json:"plan,omitempty"`
}

// NewPlans shows what would be done for several private registries.
func NewPlans(several *copying.Several) Plans {
	made := Plans{Header: output.NewHeader("Plans"), Registries: []plannedRegistry{}}
	for _, t := range several.Targets {
		one := plannedRegistry{registryOutcome: newRegistryOutcome(t)}
		if t.Planned != nil {
			plan := NewPlan(t.Registry, t.Planned)
			one.Plan = &plan
		}
		made.Registries = append(made.Registries, one)
	}
	return made
}

// WriteTable writes the plan for each registry.
func (v Plans) WriteTable(w io.Writer) error {
	for i, one := range v.Registries {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		heading := one.heading()
		if one.ExitCode == exit.OK {
			heading = one.Registry
		}
		if _, err := fmt.Fprintln(w, heading); err != nil {
			return err
		}
		if one.Plan != nil {
			if err := one.Plan.WriteTable(w); err != nil {
				return err
			}
		}
	}
	return nil
}
