"""In charge of a MySQL database as Directus 8 and years of use leave one: all in it is odd, and must be readable.

It is made from the description of the system tables, with the database's own client; Tabularium has no part in it.
"""

# ruff: noqa: E501

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.samples import run_mysql

SCHEMA = Path(__file__).resolve().parent.parent / "core" / "catalog" / "system_schema.json"
TOKEN = "old-admin-token"
EDITOR = "old-editor-token"
BCRYPT_OF_PASSWORD = "$2y$04$gEefB/NebiW6HYBVeo8sdetga6rmG3cmKowMogB4RNiWa06yK2N4S"


def load(url: str) -> None:
    """The nasty database, into the empty MySQL database of this URL."""
    run_mysql(url, script())


def script() -> str:
    document = json.loads(SCHEMA.read_text("utf-8"))
    parts = ["SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; SET foreign_key_checks = 0;"]
    for name, table in document["tables"].items():
        parts.append(_table(name, table))
        seed = document["seed"].get(name, [])
        if name == "directus_migrations":
            seed = [{"version": row["version"], "migration_name": row["name"]} for row in seed]
        if seed:
            parts.append(_rows(name, seed))
    return "\n".join([*parts, SYSTEM_ROWS, TABLES])


def _table(name: str, table: Any) -> str:
    lines = [_column(column) for column in table["columns"]]
    keys = [column["name"] for column in table["columns"] if column["key"] == "PRI"]
    lines.append(f"PRIMARY KEY ({', '.join(f'`{key}`' for key in keys)})")
    lines += [
        f"UNIQUE KEY `{key['name']}` ({', '.join(f'`{column}`' for column in key['columns'])})"
        for key in table["unique_keys"]
    ]
    return f"CREATE TABLE `{name}` (\n  {', '.join(lines)}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8;"


def _column(column: Any) -> str:
    length = f"({column['length']})" if column["length"] else ""
    text = f"`{column['name']}` {column['sql_type']}{length}{' UNSIGNED' if column['unsigned'] else ''}"
    if column["sql_type"] == "TIMESTAMP":
        text += " NULL"
    elif not column["nullable"]:
        text += " NOT NULL"
    if column["default"] is not None:
        text += f" DEFAULT '{column['default']}'"
    return text + (" AUTO_INCREMENT" if column["auto_increment"] else "")


def _rows(name: str, rows: list[Any]) -> str:
    columns = list(rows[0])
    values = ",\n".join("(" + ", ".join(_value(row[column]) for column in columns) + ")" for row in rows)
    return f"INSERT INTO `{name}` ({', '.join(f'`{column}`' for column in columns)}) VALUES\n{values};"


def _value(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


SYSTEM_ROWS = f"""
ALTER TABLE directus_users ADD COLUMN `shoe size` DECIMAL(4,1) NULL, ADD COLUMN `group` SET('a','b') NULL;
ALTER TABLE directus_users MODIFY role INT(11) SIGNED NULL;
ALTER TABLE directus_files ADD COLUMN rights VARCHAR(50) CHARACTER SET latin1 NULL;
ALTER TABLE directus_webhooks ENGINE=MyISAM;
INSERT INTO directus_users (id, status, role, first_name, email, password, token, timezone, last_access_on, locale_options,
    `shoe size`, `group`, external_id) VALUES
    (1, 'active', 1, 'Admin', 'admin@example.com', '{BCRYPT_OF_PASSWORD}', '{TOKEN}', 'UTC', '0000-00-00 00:00:00', '{{"a":1}}',
     42.5, 'a,b', NULL),
    (2, 'active', 3, 'Éd', 'ed@example.com', NULL, '{EDITOR}', 'Europe/Brussels', NULL, 'broken {{', NULL, '', ''),
    (3, 'weird', -5, NULL, 'lost@example.com', '', NULL, '', NULL, '', NULL, NULL, NULL),
    (4, 'deleted', 99, '', '', 'plain', NULL, 'UTC', NULL, NULL, NULL, NULL, 'x4');
INSERT INTO directus_roles (id, name, ip_whitelist, external_id, module_listing, collection_listing) VALUES
    (3, 'Editors', ' , ,', NULL, 'nonsense', '[]');
INSERT INTO directus_permissions (collection, role, status, `create`, `read`, `update`, `delete`, comment, `explain`,
    read_field_blacklist, status_blacklist) VALUES
    ('odd values', 3, NULL, 'full', 'full', 'full', 'full', 'full', 'none', 'secret,nosuch, ', NULL),
    ('odd values', 3, NULL, 'none', 'none', 'none', 'none', 'none', 'none', NULL, NULL),
    ('gone_table', 3, NULL, 'full', 'full', 'full', 'full', 'full', 'none', NULL, NULL),
    ('people', 3, NULL, NULL, 'everything', 'mine', '', 'sometimes', 'never', NULL, 'x,,y'),
    ('stations', 3, 'open', 'full', 'full', 'full', 'full', 'full', 'none', NULL, NULL),
    ('stations', 3, '7', 'full', 'mine', 'full', 'full', 'full', 'none', NULL, NULL),
    ('people', 77, NULL, 'full', 'full', 'full', 'full', 'full', 'none', NULL, NULL),
    ('people', 2, NULL, 'none', 'full', 'none', 'none', 'none', 'none', 'email', NULL);
INSERT INTO directus_files (id, storage, private_hash, filename_disk, filename_download, type, uploaded_by, uploaded_on,
    filesize, folder, tags, metadata, rights) VALUES
    (1, 'local', NULL, 'a.png', '', 'image/png', 1, '0000-00-00 00:00:00', 10, 99, 'x,,y , z', 'broken {{', 'caf\u00e9'),
    (2, 'local', '', 'b.txt', 'b.txt', NULL, 99, '2019-01-01 00:00:00', 0, NULL, '', '', NULL),
    (3, 's3', 'abcdefghij012345', '', 'c.txt', '', 0, '2019-13-01 00:00:00', 4294967295, 1, NULL, '[1]', '');
INSERT INTO directus_folders (id, name, parent_folder) VALUES (1, 'loop', 2), (2, 'loop', 1), (3, '', 99);
INSERT INTO directus_collections (collection, managed, hidden, `single`, translation) VALUES
    ('odd values', 1, 0, 0, '{{"en-US": "old form"}}'), ('people', 1, 0, 0, 'broken {{'), ('gone_table', 1, 0, 0, NULL),
    ('stations', 1, 1, 1, NULL), ('no_key', 1, 0, 0, NULL), ('two_keys', 0, 0, 0, NULL), ('all_people', 1, 0, 0, NULL);
INSERT INTO directus_fields (collection, field, type, interface, options, validation, sort, `group`, translation) VALUES
    ('odd values', 'id', 'integer', 'primary-key', NULL, NULL, NULL, NULL, NULL),
    ('odd values', 'tags', 'array', 'tags', 'broken {{', NULL, 0, 9999, '[]'),
    ('odd values', 'data', 'json', 'json', '', NULL, NULL, NULL, '"text"'),
    ('odd values', 'flag', 'boolean', 'switch', 'null', NULL, NULL, NULL, NULL),
    ('odd values', 'secret', 'hash', NULL, '{{"hasher":"nosuch"}}', NULL, NULL, NULL, NULL),
    ('odd values', 'born', 'date', NULL, NULL, '/(unclosed/', NULL, NULL, NULL),
    ('odd values', 'seen', 'datetime', NULL, NULL, NULL, NULL, NULL, NULL),
    ('odd values', 'strange', 'a_type_of_an_extension', 'nosuch', NULL, NULL, NULL, NULL, NULL),
    ('odd values', 'gone_column', 'string', 'text-input', NULL, NULL, NULL, NULL, NULL),
    ('odd values', 'person', 'm2o', 'many-to-one', NULL, NULL, NULL, NULL, NULL),
    ('odd values', 'picture', 'file', 'file', NULL, NULL, NULL, NULL, NULL),
    ('odd values', 'maker', 'owner', 'owner', NULL, NULL, NULL, NULL, NULL),
    ('odd values', 'lines', 'o2m', 'one-to-many', NULL, NULL, NULL, NULL, NULL),
    ('odd values', 'translations', 'translation', 'translation', NULL, NULL, NULL, NULL, NULL),
    ('odd values', 'divider', 'alias', 'divider', NULL, NULL, NULL, NULL, NULL),
    ('stations', 'state', 'status', 'status', 'broken {{', NULL, NULL, NULL, NULL),
    ('people', 'odd', 'o2m', 'one-to-many', NULL, NULL, NULL, NULL, NULL),
    ('gone_table', 'id', 'integer', 'primary-key', NULL, NULL, NULL, NULL, NULL),
    ('directus_fields', 'auth_token_ttl', 'integer', 'numeric', NULL, NULL, NULL, NULL, NULL);
INSERT INTO directus_relations (collection_many, field_many, collection_one, field_one, junction_field) VALUES
    ('odd values', 'person', 'people', 'odd', NULL), ('gone_table', 'x', 'people', 'y', NULL),
    ('odd values', 'gone_column', 'people', NULL, 'nosuch'), ('two_keys', 'a', 'gone_table', NULL, NULL),
    ('odd values', 'picture', 'directus_files', '', ''), ('', '', NULL, NULL, NULL);
INSERT INTO directus_collection_presets (title, user, role, collection, filters, view_query) VALUES
    (NULL, 99, 88, 'gone_table', 'broken {{', '[]'), ('mine', 1, NULL, 'people', '', '');
DELETE FROM directus_settings WHERE `key` IN ('default_limit', 'asset_whitelist', 'auth_token_ttl');
UPDATE directus_settings SET value = NULL WHERE `key` = 'sort_null_last';
UPDATE directus_settings SET value = '77' WHERE `key` = 'project_logo';
UPDATE directus_settings SET value = 'broken {{' WHERE `key` = 'asset_whitelist_system';
INSERT INTO directus_activity (id, action, action_by, action_on, ip, user_agent, collection, item, comment) VALUES
    (1, 'create', 0, '0000-00-00 00:00:00', '', '', 'gone_table', '', NULL),
    (2, 'a-custom-action', 99, '2019-01-01 10:00:00', '::1', 'x', 'people', 'abc', 'hello \U0001f600');
INSERT INTO directus_revisions (id, activity, collection, item, `data`, delta, parent_changed) VALUES
    (1, 99, 'gone_table', '1', 'broken {{', NULL, NULL),
    (2, 2, 'people', '1', '', '[]', 0),
    (3, 2, 'directus_users', '2', '{{"id":2,"email":"ed@example.com","password":"plain","token":"t"}}', '{{"password":"p"}}', 0);
INSERT INTO directus_user_sessions (user, token_type, token, created_on, token_expired_at) VALUES
    (99, NULL, NULL, NULL, '0000-00-00 00:00:00');
INSERT INTO directus_webhooks (status, http_action, url, collection, directus_action) VALUES ('odd', 'put', 'no url', 'gone_table', '');
"""

TABLES = """
CREATE TABLE `odd values` (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tags TEXT, data TEXT, flag TINYINT(1), secret VARCHAR(100), born DATE, seen DATETIME,
  stamped TIMESTAMP NULL, clock TIME, strange VARCHAR(20), person INT SIGNED, picture INT UNSIGNED, maker INT,
  western VARCHAR(50) CHARACTER SET latin1, wide TEXT CHARACTER SET utf8mb4,
  huge BIGINT UNSIGNED, exact DECIMAL(60,20), near DOUBLE, single FLOAT, bits BIT(12), bytes VARBINARY(20), picked ENUM('x','y'),
  many SET('p','q','r'), born_in YEAR, place POINT, doubled INT AS (person * 2) PERSISTENT, `a``b"c%d[e]` INT, `Füße` INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO `odd values` (tags, data, flag, secret, born, seen, stamped, clock, strange, person, picture, maker, western,
    wide, huge, exact, near, single, bits, bytes, picked, many, born_in, place, `a``b"c%d[e]`, `Füße`) VALUES
  ('a,b', '{"k": [1, {"x": null}]}', 1, '$2y$10$x', '2020-02-29', '2020-02-29 12:00:00', '2020-02-29 12:00:00', '12:30:00', 's', 1, 1,
   1, 'café', '😀', 18446744073709551615, 1234567890.12345678901234567890, 1e300, 1.5, b'101', x'00ff', 'x', 'p,r', 1999,
   ST_GeomFromText('POINT(1 2)'), 7, 8),
  (',,a, b ,', 'broken {', 7, '', '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '-12:30:00', '', 99, 99, 99, '', '',
   0, -0.00000000000000000001, -0.0, NULL, NULL, '', '', '', 0, NULL, NULL, NULL),
  ('', '', NULL, NULL, '2020-00-10', '2020-12-00 10:00:00', NULL, '838:59:59', NULL, -1, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('[1]', '"text"', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL);
CREATE TABLE people (
  id INT(11) NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL DEFAULT '', email VARCHAR(100)
) ENGINE=MyISAM DEFAULT CHARSET=latin1;
INSERT INTO people VALUES (0, 'Nobody', NULL), (1, 'Zoé', 'zoe@example.com'), (2, 'ÿ', '');
CREATE TABLE stations (code VARCHAR(20) NOT NULL PRIMARY KEY, state VARCHAR(10) NULL) DEFAULT CHARSET=latin1;
INSERT INTO stations VALUES ('', 'open'), ('a,b', 'closed'), ('c d/e', NULL), ('1', '7');
CREATE TABLE no_key (a INT, b TEXT); INSERT INTO no_key VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
CREATE TABLE two_keys (a INT, b INT, c INT, PRIMARY KEY (a, b)); INSERT INTO two_keys VALUES (1, 1, 1), (1, 2, 2);
CREATE TABLE `order` (`key` INT PRIMARY KEY, `group` INT, `select` TEXT); INSERT INTO `order` VALUES (1, 2, 'x');
CREATE TABLE `2fast` (`1st` INT PRIMARY KEY, __typename INT, `a b` INT); INSERT INTO `2fast` VALUES (1, 2, 3);
CREATE TABLE `naïve ☃` (id INT PRIMARY KEY) DEFAULT CHARSET=utf8mb4; INSERT INTO `naïve ☃` VALUES (1);
CREATE TABLE empty_one (id INT PRIMARY KEY);
CREATE VIEW all_people AS SELECT id, name FROM people;
CREATE VIEW broken_view AS SELECT id FROM empty_one; DROP TABLE empty_one;
"""
