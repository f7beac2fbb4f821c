package shard

import (
	"fmt"
	"strconv"
	"strings"
)

// Choice is what of a plan one run carries out.
type Choice struct {
	// Number is the shard, from 1, and Shards how many there are; 0 is no shard.
	Number, Shards int
	// Tags puts the tags alone, which all shards have left out.
	Tags bool
}

// IndexVariable is where an Indexed Job of Kubernetes tells its pods which of them each is, from 0.
const IndexVariable = "JOB_COMPLETION_INDEX"

// IsZero tells that everything is carried out by one run.
func (c Choice) IsZero() bool { return c == Choice{} }

// Moves tells whether it is one shard of several, which moves content and puts no tags before all is
// there.
func (c Choice) Moves() bool { return c.Shards > 0 }

// String is the choice as Parse reads it.
func (c Choice) String() string {
	switch {
	case c.Tags:
		return "tags"
	case c.Shards > 0:
		return fmt.Sprintf("%d/%d", c.Number, c.Shards)
	default:
		return ""
	}
}

// Parse reads "2/5", the second shard of five; "index/5", whichever of five getenv says that this is;
// and "tags".
func Parse(text string, getenv func(string) string) (Choice, error) {
	if text == "tags" {
		return Choice{Tags: true}, nil
	}
	number, count, ok := strings.Cut(text, "/")
	if !ok {
		return Choice{}, fmt.Errorf("%q is no shard: write I/N, 1/4 for the first of four, or index/N in an Indexed Job, or tags", text)
	}
	shards, err := strconv.Atoi(count)
	if err != nil || shards < 1 || shards > Most {
		return Choice{}, fmt.Errorf("%q is no number of shards: from 1 to %d there can be", count, Most)
	}
	if number == "index" {
		return ofIndex(getenv(IndexVariable), shards)
	}
	i, err := strconv.Atoi(number)
	if err != nil || i < 1 || i > shards {
		return Choice{}, fmt.Errorf("%q is no shard of %d: they count from 1", number, shards)
	}
	return Choice{Number: i, Shards: shards}, nil
}

// ofIndex is the shard of a pod.
func ofIndex(index string, shards int) (Choice, error) {
	if index == "" {
		return Choice{}, fmt.Errorf("%s is not set: index/N is for the pods of an Indexed Job", IndexVariable)
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= shards {
		return Choice{}, fmt.Errorf("%s is %q, and there are %d shards: the Job's completions have to be as many", IndexVariable, index, shards)
	}
	return Choice{Number: i + 1, Shards: shards}, nil
}
