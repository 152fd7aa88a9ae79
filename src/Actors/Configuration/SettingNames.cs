using System.Text;

namespace VmSim.Actors.Configuration;

/// <summary>Names of settings.</summary>
internal static class SettingNames
{
    /// <summary>The key of a property: its name in lower case with a hyphen before each word.</summary>
    public static string KeyOf(string property)
    {
        StringBuilder key = new();
        for (int i = 0; i < property.Length; i++)
        {
            if (i > 0 && char.IsUpper(property[i]) && char.IsLower(property[i - 1]))
            {
                key.Append('-');
            }

            key.Append(char.ToLowerInvariant(property[i]));
        }

        return key.ToString();
    }

    /// <summary>The candidate that differs in the fewest letters; null if none is near.</summary>
    public static string? Nearest(string name, IEnumerable<string> candidates)
    {
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

    /// <summary>Letters to insert, remove or change (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
