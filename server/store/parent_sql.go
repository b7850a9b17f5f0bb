package store

import "watchkeeper/api"

// ancestor is a service with the names of those in front of it.
type ancestor struct{ api.ServiceSettings }

func scanAncestor(r row) (*ancestor, error) {
	var a ancestor
	var parents string
	err := r.Scan(&a.Name, &a.Host, &parents)
	if err == nil {
		a.Parents, err = parseList[string](parents)
	}
	return &a, err
}

// parentSQL is the statements that need the engine's dialect, made once.
type parentSQL struct {
	ancestors string
	insert    string
}

func newParentSQL(e engine) parentSQL {
	return parentSQL{
		ancestors: `select name, host, parents from service where name_key in (select name from ` + e.relation(1, text("name")) + ` i)`,
		insert: `insert into parent (name, child) select name, child from ` + e.relation(1, text("name"), text("child")) + ` i
			where true on conflict (name, child) do nothing`,
	}
}
