package shard

import (
	"cmp"
	"fmt"
	"slices"
)

// Most is into how many shards a plan may be cut.
const Most = 1000

// artifactWeight is what an artifact weighs beside its bytes, for it costs requests, however small
// it is: what passes on a good line while a few dozen round trips do.
const artifactWeight = 1 << 20

// slack is by how much of the mean a shard may be heavier so that blobs stay together: one part in so
// many.
const slack = 20

// Work is what is to be cut. The zero value is nothing.
type Work struct {
	// Artifacts are the blobs of each artifact, by their places in Sizes, each once.
	Artifacts [][]int
	// Sizes are the bytes that have to move for each blob; 0 where the target holds it.
	Sizes []int64
}

// Cut says which shard does what. Shards count from 0. Use New.
type Cut struct {
	// Shards is how many there are; some may be empty.
	Shards int
	// Of is the shard of each artifact.
	Of []int
	// Owners are the shards that move each blob, the first to need it: others that need it take it from
	// the target when it is there. -1 is nobody.
	Owners []int
	// Weights are what each shard weighs: the bytes of the blobs that it owns, and a mebibyte for each
	// artifact.
	Weights []int64
	// Split are the blobs that artifacts of several shards need, ascending.
	Split []int
	// SplitBytes are those of the split blobs, once each. AgainBytes are how many bytes would move a
	// second time, or a third, if no shard ever found at the target what another owns.
	SplitBytes, AgainBytes int64
}

// New cuts work into so many shards. The heaviest weighs no more than the mean and a twentieth, or
// than the mean and its heaviest artifact, whichever is more.
func New(work Work, shards int) (*Cut, error) {
	if shards < 1 || shards > Most {
		return nil, fmt.Errorf("%d shards: from 1 to %d there can be", shards, Most)
	}
	c := &cutter{Cut: &Cut{
		Shards: shards, Of: make([]int, len(work.Artifacts)), Owners: slices.Repeat([]int{-1}, len(work.Sizes)),
		Weights: make([]int64, shards),
	}, work: work, needers: make([][]int, len(work.Sizes))}
	mean := c.total() / int64(shards)
	for _, artifact := range c.order() {
		c.give(artifact, c.choose(artifact, mean+mean/slack))
	}
	c.count()
	return c.Cut, nil
}

type cutter struct {
	*Cut
	work Work
	// needers are the shards that need each blob, in the order in which they came to.
	needers [][]int
}

// total is what all shards weigh together.
func (c *cutter) total() int64 {
	sum := int64(len(c.work.Artifacts)) * artifactWeight
	for _, size := range c.work.Sizes {
		sum += size
	}
	return sum
}

// order is that in which artifacts are given away: heaviest first, for what is left last is to be small.
func (c *cutter) order() []int {
	weights, all := make([]int64, len(c.work.Artifacts)), make([]int, len(c.work.Artifacts))
	for i, blobs := range c.work.Artifacts {
		all[i] = i
		for _, b := range blobs {
			weights[i] += c.work.Sizes[b]
		}
	}
	slices.SortStableFunc(all, func(i, j int) int { return cmp.Compare(weights[j], weights[i]) })
	return all
}

// choose finds the shard that has most of an artifact's blobs among those that do not become heavier
// than a limit by it, or that are the lightest.
func (c *cutter) choose(artifact int, limit int64) int {
	adds, shared := int64(artifactWeight), make(map[int]int64)
	for _, b := range c.work.Artifacts[artifact] {
		if c.Owners[b] < 0 {
			adds += c.work.Sizes[b]
		}
		for _, s := range c.needers[b] {
			shared[s] += c.work.Sizes[b]
		}
	}
	best := 0
	for s, weight := range c.Weights {
		if weight < c.Weights[best] {
			best = s
		}
	}
	for s, weight := range c.Weights {
		fits := weight+adds <= limit
		better := cmp.Or(cmp.Compare(shared[s], shared[best]), cmp.Compare(c.Weights[best], weight)) > 0
		if fits && better {
			best = s
		}
	}
	return best
}

// give puts an artifact into a shard, which owns from then on what nobody has.
func (c *cutter) give(artifact, shard int) {
	c.Of[artifact] = shard
	c.Weights[shard] += artifactWeight
	for _, b := range c.work.Artifacts[artifact] {
		if c.Owners[b] < 0 {
			c.Owners[b] = shard
			c.Weights[shard] += c.work.Sizes[b]
		}
		if !slices.Contains(c.needers[b], shard) {
			c.needers[b] = append(c.needers[b], shard)
		}
	}
}

// count finds the blobs that are split. What has not to move is none.
func (c *cutter) count() {
	for b, shards := range c.needers {
		if size := c.work.Sizes[b]; len(shards) > 1 && size > 0 {
			c.Split = append(c.Split, b)
			c.SplitBytes += size
			c.AgainBytes += size * int64(len(shards)-1)
		}
	}
}
