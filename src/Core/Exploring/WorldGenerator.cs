using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Exploring;

/// <summary>
/// Makes the scripts of all worlds up to a size, those with few steps first. Of worlds that differ only in which core does what, or in
/// which page is which, it makes one. It leaves out worlds in which a step could be left out: what such a step may do wrong, the world
/// without it does too.
/// </summary>
/// <remarks>
/// Left out are worlds without a call that takes something away, accesses to pages that no such call works on, stores where a load shows
/// as much and loads where only a store shows anything, and steps that repeat the one before them.
/// </remarks>
/// <param name="size">The size.</param>
public sealed class WorldGenerator(WorldSize size)
{
    /// <summary>A sleep, long enough for a call of another core with its shootdown, by which the core idles.</summary>
    private const long SleepCycles = 50_000;

    private readonly List<ScriptStep[]> _sequences = [];
    private readonly List<int[]> _renamings = [];

    /// <summary>The numbers of the sequences that a renaming of pages makes of others, by renaming and number.</summary>
    private readonly List<int[]> _renamed = [];

    /// <summary>Every world's threads, in an order that is always the same.</summary>
    public IEnumerable<IReadOnlyList<IReadOnlyList<ScriptStep>>> All()
    {
        Prepare();
        int[] chosen = new int[size.Cores];
        for (int steps = 1; steps <= size.Cores * size.Operations; steps++)
        {
            foreach (int[] world in Choose(chosen, 0, steps))
            {
                if (IsFirstOfItsKind(world) && IsOfUse(world))
                {
                    yield return [.. world.Select(sequence => _sequences[sequence])];
                }
            }
        }
    }

    private void Prepare()
    {
        _sequences.Clear();
        _renamings.Clear();
        _renamed.Clear();
        ScriptStep[] alphabet = [.. Letters()];
        List<ScriptStep[]> last = [[]];
        _sequences.AddRange(last);
        for (int length = 1; length <= size.Operations; length++)
        {
            last = [.. last.SelectMany(prefix => alphabet.Where(step => prefix.Length == 0 || prefix[^1] != step)
                .Select(step => (ScriptStep[])[.. prefix, step]))];
            _sequences.AddRange(last);
        }

        Dictionary<string, int> numbers = [];
        for (int i = 0; i < _sequences.Count; i++)
        {
            numbers.Add(string.Join(',', _sequences[i]), i);
        }

        foreach (int[] renaming in Permutations(size.Pages).Where(each => !each.SequenceEqual(each.Order())))
        {
            _renamings.Add(renaming);
            _renamed.Add([.. _sequences.Select(steps => numbers.GetValueOrDefault(
                string.Join(',', steps.Select(step => Rename(step, renaming))), -1))]);
        }
    }

    private IEnumerable<ScriptStep> Letters()
    {
        foreach (ScriptVerb verb in size.Alphabet)
        {
            if (verb is ScriptVerb.Sleep)
            {
                yield return new ScriptStep(verb, SleepCycles, 0);
                continue;
            }

            if (verb is ScriptVerb.Collapse)
            {
                yield return new ScriptStep(verb, 0, size.Pages);
                continue;
            }

            for (int page = 0; page < size.Pages; page++)
            {
                yield return new ScriptStep(verb, page, 1);
            }

            if (size.Pages > 1 && verb is not (ScriptVerb.Load or ScriptVerb.Store))
            {
                yield return new ScriptStep(verb, 0, size.Pages);
            }
        }
    }

    /// <summary>Every choice of sequences for the cores from one on, of falling numbers, that together have so many steps.</summary>
    private IEnumerable<int[]> Choose(int[] chosen, int core, int steps)
    {
        if (core == chosen.Length)
        {
            if (steps == 0)
            {
                yield return chosen;
            }

            yield break;
        }

        int most = core == 0 ? _sequences.Count - 1 : chosen[core - 1];
        for (int sequence = 0; sequence <= most; sequence++)
        {
            int left = steps - _sequences[sequence].Length;

            // Sequences of a greater number are as long or longer, and the cores that follow have no longer ones.
            if (left < 0)
            {
                break;
            }

            if (left > (chosen.Length - core - 1) * _sequences[sequence].Length)
            {
                continue;
            }

            chosen[core] = sequence;
            foreach (int[] world in Choose(chosen, core + 1, left))
            {
                yield return world;
            }
        }
    }

    /// <summary>Whether no renaming of pages makes a world that comes before.</summary>
    private bool IsFirstOfItsKind(int[] world)
    {
        Span<int> other = stackalloc int[WorldSize.CoresMax];
        other = other[..world.Length];
        foreach (int[] renamed in _renamed)
        {
            for (int core = 0; core < world.Length; core++)
            {
                other[core] = renamed[world[core]];
            }

            other.Sort();
            other.Reverse();
            if (other[^1] >= 0 && other.SequenceCompareTo(world) < 0)
            {
                return false;
            }
        }

        return true;
    }

    private bool IsOfUse(int[] world)
    {
        Span<Uses> pages = stackalloc Uses[WorldSize.PagesMax];
        pages.Clear();
        foreach (int sequence in world)
        {
            foreach (ScriptStep step in _sequences[sequence])
            {
                for (int page = 0; page < size.Pages; page++)
                {
                    pages[page] |= step.Covers(page) ? UseOf(step) : Uses.None;
                }
            }
        }

        Uses all = Uses.None;
        for (int page = 0; page < size.Pages; page++)
        {
            Uses uses = pages[page];
            bool isTaken = (uses & (Uses.Taken | Uses.Renewed)) != 0;
            bool loadShows = isTaken;
            bool storeShows = (uses & Uses.Tightened) != 0 || (uses & (Uses.Renewed | Uses.Load)) == (Uses.Renewed | Uses.Load);
            if (((uses & Uses.Load) != 0 && !loadShows) || ((uses & Uses.Store) != 0 && !storeShows))
            {
                return false;
            }

            all |= uses;
        }

        return (all & (Uses.Taken | Uses.Renewed | Uses.Tightened)) != 0;
    }

    private static Uses UseOf(ScriptStep step) => step.Verb switch
    {
        ScriptVerb.Load => Uses.Load,
        ScriptVerb.Store => Uses.Store,
        ScriptVerb.Mprotect => Uses.Tightened,
        ScriptVerb.Munmap or ScriptVerb.Move or ScriptVerb.Pageout or ScriptVerb.Collapse => Uses.Taken,

        // Loads of what is mapped anew bring in the page of zeros, which a store takes away from others again.
        ScriptVerb.Dontneed or ScriptVerb.Map => Uses.Renewed,
        _ => Uses.None,
    };

    private static ScriptStep Rename(ScriptStep step, int[] renaming) =>
        step.Pages == 1 ? step with { Argument = renaming[step.Argument] } : step;

    private static IEnumerable<int[]> Permutations(int count) => count == 0
        ? [[]]
        : Permutations(count - 1).SelectMany(shorter => Enumerable.Range(0, count)
            .Select(place => (int[])[.. shorter[..place], count - 1, .. shorter[place..]]));

    [Flags]
    private enum Uses : byte
    {
        None = 0,
        Load = 1,
        Store = 2,
        Tightened = 4,
        Taken = 8,
        Renewed = 16,
    }
}
