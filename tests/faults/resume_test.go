package faults_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	journals "github.com/pgrelocate/pgrelocate/internal/registry/remote/uploads"
)

func journalIn(t *testing.T, dir string) *journals.Journal {
	t.Helper()
	journal, err := journals.Open(filepath.Join(dir, "uploads"))
	if err != nil {
		t.Fatal(err)
	}
	return journal
}

func distribution(t *testing.T) *registrytest.Registry {
	t.Helper()
	return registrytest.Distribution(t, registrytest.Options{})
}

// pushSized puts an image with layers of so many MiB into the source.
func (r *rig) pushSized(t *testing.T, n name, sizes ...int) {
	t.Helper()
	var layers []v1.Layer
	for _, size := range sizes {
		layers = append(layers, newLayer(t, size*mib))
	}
	r.push(t, n, layers...)
}

// However often a run is ended, the next goes on with what the registry has of each upload: in
// several pieces, in a single one, and in one body.
//
// An end costs what was in sockets and buffers. The exception is a process that is killed while
// docker-registry takes a piece of it: see ADR 0017.
func TestRunsGoOnWithEachOthersUploads(t *testing.T) {
	t.Parallel()
	source := &rig{source: newSide(t, debian(t))}
	whole, pieces := name{"app", "whole"}, name{"app", "pieces"}
	source.pushSized(t, whole, 130, 40, 16)
	source.pushSized(t, pieces, 130, 50)
	tests := []struct {
		name   string
		image  name
		size   int64
		atOnce int64 // uploads under way
		target func(*testing.T) *registrytest.Registry
		signal os.Signal
	}{
		{"distribution, killed", whole, 186 * mib, 3, distribution, os.Kill},
		{"distribution, interrupted", whole, 186 * mib, 3, distribution, os.Interrupt},
		{"docker-registry, interrupted", pieces, 180 * mib, 2, debian, os.Interrupt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &rig{source: newSide(t, source.source.behind), target: newSide(t, tt.target(t)), journal: t.TempDir()}
			ends := r.endFiveTimes(t, tt.image, tt.size, tt.signal)
			before := r.target.counter.Counts().BytesReceived
			succeeded(t, r.copy(t.Context(), t, tt.image))
			r.arrived(t, tt.image)
			sent, read := r.target.counter.Counts().BytesReceived, r.source.counter.Counts().BytesSent
			t.Logf("%s in %d runs: sent %s, read %s", mibs(tt.size), ends+1, mibs(sent), mibs(read))
			inSockets := ends * tt.atOnce * 4 * mib
			if most := tt.size + inSockets + overhead; sent > most {
				t.Errorf("sent %s in all runs together, want at most %s", mibs(sent), mibs(most))
			}
			if most := sent + 2*inSockets + overhead; read > most {
				t.Errorf("read %s in all runs together, want at most %s", mibs(read), mibs(most))
			}
			// Where the registry was still taking in what the killed process had sent, that is read twice.
			if last := r.sourceTraffic.BytesRead.Load(); last > sent-before+tt.atOnce*4*mib+overhead {
				t.Errorf("the last run read %s, want what it sent, %s", mibs(last), mibs(sent-before))
			}
		})
	}
}

// endFiveTimes ends a copy when so much has been sent in all runs together, and begins it again.
// It tells how often it came in time.
func (r *rig) endFiveTimes(t *testing.T, n name, size int64, signal os.Signal) (ends int64) {
	t.Helper()
	for share := 0.1; share < 1; share += 0.2 {
		sent := func() bool { return float64(r.target.counter.Counts().BytesReceived) >= share*float64(size) }
		if r.copyAndKill(t, []name{n}, signal, sent) {
			ends++
		}
	}
	if ends < 3 {
		t.Errorf("%d of 5 runs were ended before they had done all", ends)
	}
	return ends
}

// docker-registry does not go on with an upload one of whose requests has broken off: what was
// under way is sent again, and nothing else is the worse for it.
func TestKilledAtARegistryThatForgets(t *testing.T) {
	t.Parallel()
	r := &rig{source: newSide(t, debian(t)), target: newSide(t, debian(t)), journal: t.TempDir()}
	r.pushSized(t, app, 70, 10)
	r.endFiveTimes(t, app, 80*mib, os.Kill)
	succeeded(t, r.copy(t.Context(), t, app))
	r.arrived(t, app)
}

// An upload that the registry has cleared away, or whose registry has become another under the
// same name, is begun anew.
func TestUploadsThatAreGone(t *testing.T) {
	t.Parallel()
	r := &rig{source: newSide(t, debian(t)), target: newSide(t, distribution(t)), journal: t.TempDir()}
	r.pushSized(t, app, 40)
	half := func() bool { return r.target.counter.Counts().BytesReceived > 20*mib }
	r.copyAndKill(t, []name{app}, os.Kill, half)
	uploads := r.target.behind.Root + "/docker/registry/v2/repositories/app/_uploads"
	for os.RemoveAll(uploads) != nil { // the registry is still writing there
		time.Sleep(10 * time.Millisecond)
	}
	r.target.Settle(t) // what the run that was killed had in its sockets
	r.target.counter.Reset()
	succeeded(t, r.copy(t.Context(), t, app))
	r.arrived(t, app)
	if sent := r.target.counter.Counts().BytesReceived; sent < 40*mib || sent > 40*mib+overhead {
		t.Errorf("sent %s, want all once", mibs(sent))
	}
}

// Two runs at once on one target are safe with one journal: each brings all that it was asked
// for, and the uploads of one are left alone by the other.
func TestTwoRunsAtOnceOnOneTarget(t *testing.T) {
	t.Parallel()
	r := &rig{source: newSide(t, debian(t)), target: newSide(t, distribution(t)), journal: t.TempDir()}
	r.pushSized(t, app, 70, 40)
	half := func() bool { return r.target.counter.Counts().BytesReceived > 50*mib }
	r.copyAndKill(t, []name{app}, os.Kill, half)
	t.Run("both", func(t *testing.T) {
		t.Run("a process", func(t *testing.T) {
			t.Parallel()
			if r.copyAndKill(t, []name{app}, os.Kill, func() bool { return false }) {
				t.Error("it did not end by itself")
			}
		})
		t.Run("another", func(t *testing.T) {
			t.Parallel()
			other := &rig{source: r.source, target: r.target, journal: r.journal}
			succeeded(t, other.copy(t.Context(), t, app))
		})
	})
	r.arrived(t, app)
}
