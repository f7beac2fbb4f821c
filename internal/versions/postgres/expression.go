package postgres

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// AllWord is the expression that selects every version; on other axes it selects everything too.
const AllWord = "all"

const latestWord = "latest"

// Expression selects PostgreSQL versions. It is one or more of these, with a comma for
// "or" between them:
//
//	17.5        exactly this version
//	17          the newest minor of this major
//	>=14 <17    every version within all the bounds; a bound that is a major alone
//	            compares majors, so that <=16 includes 16.9
//	latest      the newest minor of every major
//	all         every version
//
// The zero value is all.
type Expression struct {
	terms []Term
}

// Term is one part between commas: exactly one of its fields is set.
type Term struct {
	word   string // all or latest
	exact  Version
	major  int
	bounds []bound
}

// bound is one side of a range, ">=14" or "<16.9".
type bound struct {
	operator string
	major    int
	minor    int // -1 where the bound is a major alone
}

// operators, with the longer ones first, so that ">=" is not read as ">".
var boundPattern = regexp.MustCompile(`^(>=|<=|>|<)\s*([1-9][0-9]{0,3})(?:\.(0|[1-9][0-9]{0,3}))?(?:\s+|$)`)

// longestExpression bounds what is parsed; every known version by name takes less.
const longestExpression = 4096

// ParseExpression reads an expression; the empty one is all. Whether the versions exist
// is for Match to say.
func ParseExpression(s string) (Expression, error) {
	if strings.TrimSpace(s) == "" {
		return Expression{}, nil
	}
	if len(s) > longestExpression {
		return Expression{}, fmt.Errorf("versions: longer than %d characters", longestExpression)
	}
	var e Expression
	for part := range strings.SplitSeq(s, ",") {
		t, err := parseTerm(strings.TrimSpace(part))
		if err != nil {
			return Expression{}, fmt.Errorf("versions %s: %w", ref.Quote(s), err)
		}
		e.terms = append(e.terms, t)
	}
	if err := e.checkCommas(); err != nil {
		return Expression{}, fmt.Errorf("versions %s: %w", ref.Quote(s), err)
	}
	return e, nil
}

func parseTerm(s string) (Term, error) {
	if bare, ok := strings.CutPrefix(s, "v"); ok && bare != "" && bare[0] >= '0' && bare[0] <= '9' {
		s = bare // v17.5, as in tags
	}
	switch {
	case s == "":
		return Term{}, errors.New("there is nothing between two commas")
	case s == AllWord || s == latestWord:
		return Term{word: s}, nil
	case strings.ContainsAny(s[:1], "<>"):
		bounds, err := parseBounds(s)
		return Term{bounds: bounds}, err
	}
	if major, err := strconv.Atoi(s); err == nil && s[0] >= '1' && s[0] <= '9' && major < 10000 {
		return Term{major: major}, nil
	}
	if v, err := ParseVersion(s); err == nil {
		return Term{exact: v}, nil
	}
	const help = `write 17.5, 17, ">=14 <17", latest or all`
	if near := suggest.Nearest(s, []string{AllWord, latestWord}); near != "" {
		return Term{}, fmt.Errorf("%s selects nothing; did you mean %s? %s", ref.Quote(s), near, help)
	}
	return Term{}, fmt.Errorf("%s selects nothing; %s", ref.Quote(s), help)
}

func parseBounds(s string) ([]bound, error) {
	var bounds []bound
	for rest := s; rest != ""; {
		match := boundPattern.FindStringSubmatch(rest)
		if match == nil {
			return nil, fmt.Errorf(`%s is no bound; write ">=14 <17"`, ref.Quote(rest))
		}
		b := bound{operator: match[1], minor: -1}
		b.major, _ = strconv.Atoi(match[2])
		if match[3] != "" {
			b.minor, _ = strconv.Atoi(match[3])
		}
		bounds = append(bounds, b)
		rest = rest[len(match[0]):]
	}
	return bounds, nil
}

// checkCommas refuses ">=14,<17". With "or" between them the two select everything, and
// whoever writes that means "and".
func (e Expression) checkCommas() error {
	for _, low := range e.terms {
		for _, high := range e.terms {
			if low.opens('>') && high.opens('<') && low.bounds[0].major <= high.bounds[0].major {
				return fmt.Errorf(`with a comma %s and %s select everything; write "%s %s" for what both allow`, low, high, low, high)
			}
		}
	}
	return nil
}

// opens tells whether t is one bound that leaves the other side open.
func (t Term) opens(operator byte) bool {
	return len(t.bounds) == 1 && t.bounds[0].operator[0] == operator
}

// String is the expression as users write it.
func (e Expression) String() string {
	if len(e.terms) == 0 {
		return AllWord
	}
	words := make([]string, len(e.terms))
	for i, t := range e.terms {
		words[i] = t.String()
	}
	return strings.Join(words, ",")
}

func (t Term) String() string {
	switch {
	case t.word != "":
		return t.word
	case t.major != 0:
		return strconv.Itoa(t.major)
	case !t.exact.IsZero():
		return t.exact.String()
	}
	words := make([]string, len(t.bounds))
	for i, b := range t.bounds {
		words[i] = b.String()
	}
	return strings.Join(words, " ")
}

func (b bound) String() string {
	if b.minor < 0 {
		return b.operator + strconv.Itoa(b.major)
	}
	return fmt.Sprintf("%s%d.%d", b.operator, b.major, b.minor)
}

// MarshalText writes an expression as String does.
func (e Expression) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads an expression.
func (e *Expression) UnmarshalText(text []byte) error {
	parsed, err := ParseExpression(string(text))
	if err != nil {
		return err
	}
	*e = parsed
	return nil
}
