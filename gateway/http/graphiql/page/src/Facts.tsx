import type { ReactNode } from 'react';

/** JSON for reading: objects as terms and values, lists of objects as tables; always as text. */
export function Facts({ value }: { value: unknown }): ReactNode {
  if (Array.isArray(value)) {
    return value.every(isObject) && value.length > 0 ? <Rows rows={value} /> : <List items={value} />;
  }
  return isObject(value) ? <Terms terms={value} /> : scalar(value);
}

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function scalar(value: unknown): ReactNode {
  const text = value === null ? 'none' : String(value);
  return text.includes('\n') ? <pre>{text}</pre> : text;
}

function Terms({ terms }: { terms: JsonObject }): ReactNode {
  return (
    <dl>
      {Object.entries(terms).map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>
            <Facts value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function List({ items }: { items: unknown[] }): ReactNode {
  if (items.length === 0) {
    return 'none';
  }
  return (
    <ul>
      {items.map((item, index) => (
        <li key={index}>
          <Facts value={item} />
        </li>
      ))}
    </ul>
  );
}

function Rows({ rows }: { rows: JsonObject[] }): ReactNode {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  return (
    <table>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {columns.map((column) => (
              <td key={column}>{column in row ? <Facts value={row[column]} /> : null}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
