package shard

import (
	"errors"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
)

// ErrNoBlobs: a plan does not say which of its artifacts need which blobs, for an earlier version of
// the program has made it.
var ErrNoBlobs = errors.New("it does not say which artifacts need which blobs: it was made by a version that knew no shards")

// Of is the work of a plan.
func Of(planned *lock.Lock) Work {
	work := Work{Artifacts: make([][]int, len(planned.Artifacts)), Sizes: make([]int64, len(planned.Blobs))}
	for b, blob := range planned.Blobs {
		if !blob.Held {
			work.Sizes[b] = blob.Size
		}
		for _, a := range blob.Artifacts {
			work.Artifacts[a] = append(work.Artifacts[a], b)
		}
	}
	return work
}

// Part is one shard of a plan.
type Part struct {
	// Cut is the whole cut, and Index which of its shards this is, from 0.
	*Cut
	Index int
	// Artifacts are those of the plan that the shard moves, in the plan's order.
	Artifacts []lock.Artifact
	// Awaited are the repositories in which other shards put blobs that this one needs too, and does
	// not own.
	Awaited map[v1.Hash][]string
	// AwaitedBytes are those of the awaited blobs.
	AwaitedBytes int64
}

// PartOf is a shard of a plan, by its index from 0.
func PartOf(planned *lock.Lock, index, shards int) (*Part, error) {
	for _, blob := range planned.Blobs {
		if blob.Artifacts == nil {
			return nil, ErrNoBlobs
		}
	}
	cut, err := New(Of(planned), shards)
	if err != nil {
		return nil, err
	}
	part := &Part{Cut: cut, Index: index, Awaited: map[v1.Hash][]string{}}
	for i, a := range planned.Artifacts {
		if cut.Of[i] == index {
			part.Artifacts = append(part.Artifacts, a)
		}
	}
	for _, b := range cut.Split {
		blob := planned.Blobs[b]
		if cut.Owners[b] != index && part.needs(blob) {
			part.Awaited[blob.Digest] = part.ownedIn(planned, b)
			part.AwaitedBytes += blob.Size
		}
	}
	return part, nil
}

func (p *Part) needs(blob lock.Blob) bool {
	for _, a := range blob.Artifacts {
		if p.Of[a] == p.Index {
			return true
		}
	}
	return false
}

// ownedIn are the repositories in which a blob's owner puts it.
func (p *Part) ownedIn(planned *lock.Lock, b int) []string {
	var all []string
	seen := map[string]bool{}
	for _, a := range planned.Blobs[b].Artifacts {
		if at := planned.Artifacts[a].Target.Repository; p.Of[a] == p.Owners[b] && !seen[at] {
			seen[at] = true
			all = append(all, at)
		}
	}
	return all
}

// Bytes are those that the shard moves where every other does its part.
func (p *Part) Bytes() int64 {
	artifacts := int64(len(p.Artifacts))
	return p.Weights[p.Index] - artifacts*artifactWeight
}

// TotalBytes are those that all shards move.
func (p *Part) TotalBytes() int64 {
	sum := -int64(len(p.Of)) * artifactWeight
	for _, weight := range p.Weights {
		sum += weight
	}
	return sum
}

// MostBytes are those of the shard that moves most.
func (c *Cut) MostBytes() int64 {
	bytes := make([]int64, c.Shards)
	copy(bytes, c.Weights)
	for _, s := range c.Of {
		bytes[s] -= artifactWeight
	}
	return slices.Max(bytes)
}
