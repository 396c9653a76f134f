import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { CallRecordView, OrderView, Role } from '../../server/api-types.ts';
import { callRecordsQuery } from '../api/queries.ts';
import { formatDuration, formatTime } from '../parts/format.ts';
import { isAway } from '../parts/is-away.ts';
import { VirtualNumber } from '../parts/person.tsx';
import { ServiceBanner } from '../parts/service-banner.tsx';
import { useNow } from '../parts/use-now.ts';
import { reasonText } from './activity-text.ts';
import styles from './panels.module.css';

/** The call records of the order in view, from Maskline's API. */
export function CallRecords({ order }: { readonly order: OrderView }): ReactElement {
  const query = useQuery(callRecordsQuery(order.orderId));
  const records = query.data?.data ?? [];
  return (
    <section className={styles.panel}>
      <h2 className={styles.title}>
        Call records of {order.label}
        <span className={styles.titleNote}>from Maskline’s API</span>
      </h2>
      {isAway(query) && <ServiceBanner rounded>Maskline does not answer. Asking again…</ServiceBanner>}
      {query.isSuccess && records.length === 0 && (
        <p className={styles.hint}>No calls about this order yet.</p>
      )}
      {records.length > 0 && (
        <div className={styles.tableBox}>
          <table className={styles.table} data-testid="call-records">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Caller</th>
                <th scope="col">Dialled</th>
                <th scope="col">Shown to the callee</th>
                <th scope="col">Outcome</th>
                <th scope="col">Talk</th>
              </tr>
            </thead>
            <tbody>
              {records.map((record) => (
                <RecordRow key={record.id} record={record} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function RecordRow({ record }: { readonly record: CallRecordView }): ReactElement {
  const now = useNow(60_000);
  const { callingRole, calledRole, callerId, virtualNumber, reason, durationSeconds } = record;
  const isConnected = record.decision === 'bridge';
  return (
    <tr>
      <td>{formatTime(record.startedAt, now)}</td>
      <td>{callingRole ?? 'unknown'}</td>
      <td>
        <VirtualNumber shownNumber={virtualNumber} standsFor={toTint(calledRole)} />
      </td>
      <td>
        {callerId === null ? '—' : <VirtualNumber shownNumber={callerId} standsFor={toTint(callingRole)} />}
      </td>
      <td data-tone={isConnected ? undefined : 'refusal'}>
        {isConnected ? record.state : `refused: ${reasonText(reason)}`}
      </td>
      <td>{durationSeconds === null || !isConnected ? '—' : formatDuration(durationSeconds)}</td>
    </tr>
  );
}

function toTint(role: string | null): Role | 'unknown' {
  return role === 'customer' || role === 'driver' ? role : 'unknown';
}
