package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/slowlink"
)

// options are what the flags say.
type options struct {
	asked          string // the flags that change what is measured, as they were given
	parts, tools   list
	scale          float64
	runs           int
	registry       string
	program        string
	baseline       string
	dir, json      string
	page           string
	timeout        time.Duration
	source, target slowlink.Options
	largeLayer     int64
	faultLayer     int64
	faultTimeout   time.Duration
	growth         counts
}

// counts is a flag of numbers with commas between them.
type counts []int

func (c *counts) String() string {
	var words []string
	for _, n := range *c {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}

// Set replaces the numbers, each of which is above 0.
func (c *counts) Set(value string) error {
	*c = nil
	for _, word := range strings.Split(value, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number above 0", word)
		}
		*c = append(*c, n)
	}
	return nil
}

// list is a flag of words with commas between them.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

// Set replaces the list.
func (l *list) Set(value string) error {
	*l = strings.Split(value, ",")
	return nil
}

const mib = 1 << 20

var allParts = list{"speed", "tls", "memory", "faults", "storm", "bundle", "start", "growth", "targets"}

func parse(args []string) (*options, error) {
	o := &options{parts: slices.Clone(allParts), growth: counts{1, 10, 100}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "Measures pgrelocate beside the tools that people use today: see docs/performance.md.\n\n")
		flags.PrintDefaults()
	}
	sourceRTT := flags.Duration("source-rtt", 30*time.Millisecond, "round trip `time` to the source")
	targetRTT := flags.Duration("target-rtt", 2*time.Millisecond, "round trip `time` to the target")
	total := flags.Float64("source-bandwidth", 200, "`MiB` a second from the source in all")
	each := flags.Float64("source-connection", 40, "`MiB` a second of each connection to the source")
	large := flags.Float64("large-layer", 600, "`MiB` of the layer in part memory")
	fault := flags.Float64("fault-layer", 40, "`MiB` of the layer in part faults")
	flags.Var(&o.parts, "parts", "`parts` to run: "+allParts.String())
	flags.Var(&o.tools, "tools", "`tools` to measure, by their names in the tables; all that are installed if not given")
	flags.Var(&o.growth, "growth", "`releases` that part growth copies at once, a step each; 100 are 2,201 artifacts")
	flags.Float64Var(&o.scale, "scale", 1, "`factor` for the size of the family's layers")
	flags.IntVar(&o.runs, "n", 3, "`runs` of each tool, whose medians are printed")
	flags.StringVar(&o.registry, "registry", "debian", "`registry` on both sides: debian (docker-registry 2.8.2) or distribution (v3)")
	flags.StringVar(&o.program, "program", "bin/pgrelocate", "pgrelocate's `file`")
	flags.StringVar(&o.baseline, "baseline", "", "`file` of another pgrelocate, that of an earlier commit, to measure beside it in the same run")
	flags.StringVar(&o.dir, "dir", "", "`folder` for the registries' contents; the source's stays there for the next run. Empty means a temporary one, in memory where there is room")
	flags.StringVar(&o.json, "json", "", "`file` that receives everything measured as JSON")
	flags.StringVar(&o.page, "page", "", "`file` whose measured part is replaced with the tables: docs/performance.md")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Minute, "`time` after which a tool is stopped")
	flags.DurationVar(&o.faultTimeout, "fault-timeout", time.Minute, "`time` after which a tool is taken to hang in part faults")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	o.source = slowlink.Options{RTT: *sourceRTT, Bandwidth: int64(*total * mib), PerConnection: int64(*each * mib)}
	o.target = slowlink.Options{RTT: *targetRTT}
	o.largeLayer, o.faultLayer = int64(*large*mib), int64(*fault*mib)
	o.asked = asked(flags)
	return o, o.check()
}

// asked are the flags that were given, but for those that only name files.
func asked(flags *flag.FlagSet) string {
	var given []string
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "dir", "json", "page", "program", "baseline":
		default:
			given = append(given, fmt.Sprintf("--%s %s", f.Name, f.Value))
		}
	})
	return strings.Join(given, " ")
}

func (o *options) check() error {
	for _, part := range o.parts {
		if !slices.Contains(allParts, part) {
			return usage("there is no part %q: %s", part, allParts.String())
		}
	}
	switch {
	case o.scale <= 0 || o.scale > 10:
		return usage("--scale has to be above 0 and at most 10")
	case o.runs < 1:
		return usage("--n has to be 1 at least")
	case o.registry != "debian" && o.registry != "distribution":
		return usage("there is no registry %q: debian, distribution", o.registry)
	}
	return nil
}

func usage(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	fmt.Fprintln(os.Stderr, "bench:", err)
	return errors.Join(err)
}

func (o *options) wants(part string) bool { return slices.Contains(o.parts, part) }
