using System.Data.Common;
using System.Globalization;
using System.Text.Json;

namespace VmSim.Host.Service;

/// <content>What is removed of what is over. Each step is a change like those of jobs, and shares their transactions.</content>
internal sealed partial class JobStore
{
    /// <summary>
    /// Results or jobs of one step: it keeps others waiting for some milliseconds of the database and a rename for each result.
    /// </summary>
    private const int StepMax = 64;

    /// <summary>Rows that are read at a time.</summary>
    private const int PageMax = 256;

    /// <summary>When the results of jobs were removed, in milliseconds since 1970, by their digest; without those that are there.</summary>
    public IReadOnlyDictionary<string, long> RemovedOf(IEnumerable<Job> jobs)
    {
        Dictionary<string, long> removed = new(StringComparer.Ordinal);
        foreach (string[] digests in jobs.Where(job => job.State == JobState.Done).Select(job => job.Digest).Distinct().Chunk(PageMax))
        {
            string names = string.Join(", ", digests.Select((_, i) => $"@d{i}"));
            (string, object)[] values = [.. digests.Select((digest, i) => ($"@d{i}", (object)digest))];
            foreach ((string digest, long when) in Ask(connection => Pairs(
                connection, $"SELECT digest, removed FROM results WHERE removed > 0 AND digest IN ({names})", values)))
            {
                removed[digest] = when;
            }
        }

        return removed;
    }

    /// <summary>Results that are there, in the order of their digests, with their bytes; -1 where nobody has looked.</summary>
    public IReadOnlyList<(string Digest, long Bytes)> ResultsAfter(string digest) => Ask(connection => Pairs(
        connection,
        $"SELECT digest, bytes FROM results WHERE digest > @after AND removed = 0 ORDER BY digest LIMIT {PageMax}",
        ("@after", digest)));

    /// <summary>Says how many bytes results have.</summary>
    public Task MeasureAsync(IReadOnlyList<(string Digest, long Bytes)> results) => _writer.ChangeAsync(connection => results.Sum(
        result => StoreCommand.Run(
            connection, "UPDATE results SET bytes = @bytes WHERE digest = @digest", ("@bytes", result.Bytes), ("@digest", result.Digest))));

    /// <summary>
    /// Hides results that were used last before a time, the least used first, and says so. One that was touched later than is known here
    /// has its last use written down, and its turn by that.
    /// </summary>
    /// <param name="before">The time, in milliseconds since 1970.</param>
    /// <param name="bytes">Bytes of which no more need be removed.</param>
    /// <param name="folder">The folder of results.</param>
    public Task<ResultSweep> SweepResultsAsync(long before, long bytes, StoreFolder folder) => _writer.ChangeAsync(connection =>
    {
        List<(string Digest, long Used)> old = Pairs(
            connection,
            $"SELECT digest, used FROM results WHERE removed = 0 AND used < @before ORDER BY used LIMIT {StepMax}",
            ("@before", before));
        (int removed, long freed, bool isUsed) = (0, 0, false);
        foreach ((string digest, long known) in old)
        {
            if (freed >= bytes)
            {
                break;
            }

            long size = folder.BytesOfResult(digest);
            if (folder.HideUnlessUsedAfter(digest, known) is { } used)
            {
                isUsed = true;
                StoreCommand.Run(
                    connection, "UPDATE results SET used = @used WHERE digest = @digest", ("@used", used), ("@digest", digest));
                continue;
            }

            StoreCommand.Run(
                connection, "UPDATE results SET removed = @now WHERE digest = @digest", ("@now", Now()), ("@digest", digest));
            removed++;
            freed += size;
        }

        return new ResultSweep(removed, freed, isUsed || old.Count == StepMax);
    });

    /// <summary>
    /// Removes jobs that were over before a time, with their logs, and scenarios that none has any more: submissions of which all are, the
    /// first job of each last, so that what is left of one can still be asked for by its number.
    /// </summary>
    /// <param name="after">Submissions with a greater number.</param>
    /// <param name="before">The time, in milliseconds since 1970.</param>
    public Task<JobSweep> SweepJobsAsync(long after, long before) => _writer.ChangeAsync(connection =>
    {
        (int jobs, int scenarios) = (0, 0);
        List<(long Id, long Submission, long Submitted)> page = [];
        using (DbCommand command = StoreCommand.Of(
            connection, $"SELECT id, submission, submitted FROM jobs WHERE id > @after ORDER BY id LIMIT {StepMax}", ("@after", after)))
        using (DbDataReader reader = command.ExecuteReader())
        {
            while (reader.Read())
            {
                page.Add((reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2)));
            }
        }

        foreach ((long id, long submission, long submitted) in page)
        {
            if (submitted >= before)
            {
                return new JobSweep(id, jobs, scenarios, IsAll: true);
            }

            if (id == submission && IsOver(connection, id, before))
            {
                int room = StepMax - jobs;
                List<(string Request, long Id)> old = Pairs(
                    connection, $"SELECT request, id FROM jobs WHERE submission = @id ORDER BY id DESC LIMIT {room}", ("@id", id));
                scenarios += old.Sum(job => Remove(connection, job.Id, job.Request));
                jobs += old.Count;
                if (old.Count == room)
                {
                    // The rest of it comes with the next step, also if this was all.
                    return new JobSweep(id - 1, jobs, scenarios, IsAll: false);
                }
            }

            after = id;
        }

        return new JobSweep(after, jobs, scenarios, IsAll: page.Count < StepMax);
    });

    /// <summary>Forgets results that were removed before a time, when no job can have them any more that is kept.</summary>
    /// <returns>Whether there may be more.</returns>
    public Task<bool> ForgetResultsAsync(long before) => _writer.ChangeAsync(connection => StoreCommand.Run(
        connection,
        "DELETE FROM results WHERE digest IN "
            + $"(SELECT digest FROM results WHERE removed > 0 AND removed < @before LIMIT {StepMax})",
        ("@before", before)) == StepMax);

    /// <summary>Scenarios in the order of their requests, with the files that came with them.</summary>
    public IReadOnlyList<(string Request, IReadOnlyList<InputName> Inputs)> ScenariosAfter(string request) => Ask(connection =>
    {
        using DbCommand command = StoreCommand.Of(
            connection,
            $"SELECT request, inputs FROM scenarios WHERE request > @after ORDER BY request LIMIT {PageMax}",
            ("@after", request));
        using DbDataReader reader = command.ExecuteReader();
        List<(string, IReadOnlyList<InputName>)> found = [];
        while (reader.Read())
        {
            found.Add((reader.GetString(0), JsonSerializer.Deserialize<IReadOnlyList<InputName>>(reader.GetString(1))!));
        }

        return found;
    });

    /// <summary>Removes a file that no scenario had, where no submission is taken in meanwhile.</summary>
    /// <param name="remove">Removes it, if nobody has used it.</param>
    public Task<bool> SweepInputAsync(Func<bool> remove) => _writer.ChangeAsync(_ => remove());

    private static bool IsOver(DbConnection connection, long submission, long before) => StoreCommand.Scalar(
        connection,
        "SELECT 1 FROM jobs WHERE submission = @id AND (state < 2 OR ended >= @before) LIMIT 1",
        ("@id", submission),
        ("@before", before)) is null;

    /// <summary>Removes a job, its log, and its scenario if no other job has it.</summary>
    /// <returns>Scenarios that were removed.</returns>
    private static int Remove(DbConnection connection, long id, string request)
    {
        StoreCommand.Run(connection, "DELETE FROM logs WHERE job = @id; DELETE FROM jobs WHERE id = @id", ("@id", id));
        return RemoveUnused(connection, request);
    }

    /// <summary>Removes a scenario if no job has it any more.</summary>
    /// <returns>Scenarios that were removed.</returns>
    private static int RemoveUnused(DbConnection connection, string request) =>
        StoreCommand.Run(
            connection,
            "DELETE FROM scenarios WHERE request = @request "
                + $"AND NOT EXISTS (SELECT 1 FROM jobs WHERE request = @request AND state = {(int)JobState.Done}) "
                + $"AND NOT EXISTS (SELECT 1 FROM jobs WHERE request = @request AND state <> {(int)JobState.Done})",
            ("@request", request));

    private static List<(string Text, long Number)> Pairs(
        DbConnection connection, string sql, params (string Name, object Value)[] values)
    {
        using DbCommand command = StoreCommand.Of(connection, sql, values);
        using DbDataReader reader = command.ExecuteReader();
        List<(string, long)> pairs = [];
        while (reader.Read())
        {
            pairs.Add((reader.GetString(0), Convert.ToInt64(reader.GetValue(1), CultureInfo.InvariantCulture)));
        }

        return pairs;
    }
}
