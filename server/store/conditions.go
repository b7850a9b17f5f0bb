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

// value takes an argument of the statement and gives its placeholder.
func (c *conditions) value(v any) string {
	c.args = append(c.args, v)
	return placeholder(len(c.args))
}

// add requires that column and operator, such as "level >= ", hold for a value.
func (c *conditions) add(columnAndOperator string, value any) {
	c.literal(columnAndOperator + c.value(value))
}

// literal requires a condition whose arguments value has taken.
func (c *conditions) literal(condition string) { c.parts = append(c.parts, condition) }

func (c *conditions) text() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " where " + strings.Join(c.parts, " and ")
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// limited gives a limit that never changes as part of the text: SQLite prepares a statement anew each time one is bound.
func limited(n int) string { return " limit " + strconv.Itoa(n) }

// contains requires that an expression has a value in it. The engines have no function of one name for that, and their
// LIKE differs in case.
func (c *conditions) contains(expression, value string) {
	c.literal("replace(" + expression + ", " + c.value(value) + ", '') <> " + expression)
}

// behind requires that a row comes after a place in a list that is ordered by a column and id, newest first.
func (c *conditions) behind(column string, p Place) {
	if p == (Place{}) {
		return
	}
	c.literal("(" + column + ", id) < (" + c.value(int64(p.Time)) + ", " + c.value(p.ID) + ")")
}
