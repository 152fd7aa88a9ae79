namespace VmSim.Core.Settings;

/// <summary>Finds the name that somebody who mistyped one may have meant.</summary>
public static class NearestName
{
    /// <summary>
    /// The candidate that differs from a name in the fewest letters; null if none is near: half of the name's letters may differ, or two.
    /// </summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What could have been.</param>
    public static string? Of(string name, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        string? best = null;
        int least = Math.Max(2, name.Length / 2) + 1;
        foreach (string candidate in candidates)
        {
            int distance = Distance(name, candidate);
            if (distance < least)
            {
                least = distance;
                best = candidate;
            }
        }

        return best;
    }

    /// <summary>
    /// Letters to insert, remove or change (Levenshtein). A capital letter counts as its small one: whoever wrote it meant that.
    /// </summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int change = diagonal + (char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
