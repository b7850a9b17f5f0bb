package store

import (
	"strconv"
	"strings"
)

// conditions builds the where of a list whose filters may be left out.
type conditions struct {
	parts []string
	args  []any
}

// add requires that column and operator, such as "level >= ", hold for a value.
func (c *conditions) add(columnAndOperator string, value any) {
	c.args = append(c.args, value)
	c.parts = append(c.parts, columnAndOperator+placeholder(len(c.args)))
}

// literal requires a condition whose values have been added to args.
func (c *conditions) literal(condition string) { c.parts = append(c.parts, condition) }

func (c *conditions) text() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " where " + strings.Join(c.parts, " and ")
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// contains requires that an expression has a value in it. The engines have no function of one name for that, and their
// LIKE differs in case.
func (c *conditions) contains(expression, value string) {
	c.args = append(c.args, value)
	c.literal("replace(" + expression + ", " + placeholder(len(c.args)) + ", '') <> " + expression)
}

// behind requires that a row comes after a place in a list that is ordered by a column and id, newest first.
func (c *conditions) behind(column string, p Place) {
	if p == (Place{}) {
		return
	}
	c.args = append(c.args, int64(p.Time), p.ID)
	c.literal("(" + column + ", id) < (" + placeholder(len(c.args)-1) + ", " + placeholder(len(c.args)) + ")")
}
