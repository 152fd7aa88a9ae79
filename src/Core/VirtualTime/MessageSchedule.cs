using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Settings;

namespace VmSim.Core.VirtualTime;

/// <summary>A message that comes later than it would.</summary>
/// <param name="Sender">The sender's number among all senders of the run: cores first, then spaces.</param>
/// <param name="Sequence">The sender's running number of the message.</param>
/// <param name="Extra">How much later it comes, in cycles; at least 1.</param>
public readonly record struct MessageDelay(int Sender, long Sequence, Cycles Extra);

/// <summary>
/// Which messages of a run come later than their least delays. A message is named by its sender and the sender's running number. These do
/// not depend on windows, threads or nodes, so that a run with a schedule is as repeatable as one without.
/// </summary>
/// <remarks>
/// As text: <c>core 1/5 +2000, space 0/31 +2600</c>. What a core sends to one space or core keeps its order, as its stores do: what would
/// come behind a message that is late still comes behind it. So do answers of a space to one core. Interrupts and the steps of a space's
/// operations are late alone.
/// </remarks>
/// <param name="Delays">The delays, no message twice.</param>
public sealed record MessageSchedule(IReadOnlyList<MessageDelay> Delays)
{
    /// <summary>The most that a message is delayed: a thousand seconds at 1 GHz.</summary>
    public const long ExtraMax = 1_000_000_000_000;

    private const string Core = "core ";
    private const string Space = "space ";

    /// <summary>The schedule in which every message comes when it would.</summary>
    public static MessageSchedule None { get; } = new([]);

    /// <summary>Reads a schedule.</summary>
    /// <param name="text">Its text; empty for none.</param>
    /// <param name="cores">Cores of the machine.</param>
    /// <exception cref="ScenarioException">It is no schedule; the message says where and why.</exception>
    public static MessageSchedule Parse(string text, int cores)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (string.IsNullOrWhiteSpace(text))
        {
            return None;
        }

        List<MessageDelay> delays = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            MessageDelay delay = ParseOne(part, cores);
            if (delays.Exists(other => other.Sender == delay.Sender && other.Sequence == delay.Sequence))
            {
                throw new ScenarioException($"schedule: \"{part}\" names a message that stands there before; once each is allowed");
            }

            delays.Add(delay);
        }

        return new MessageSchedule(delays);
    }

    /// <summary>The schedule as the text that <see cref="Parse"/> reads.</summary>
    /// <param name="cores">Cores of the machine.</param>
    public string ToText(int cores) => string.Join(", ", Delays.Select(delay => ToText(delay, cores)));

    /// <summary>A delay as it stands in a schedule's text.</summary>
    /// <param name="delay">The delay.</param>
    /// <param name="cores">Cores of the machine.</param>
    internal static string ToText(in MessageDelay delay, int cores)
    {
        bool isCore = delay.Sender < cores;
        int number = isCore ? delay.Sender : delay.Sender - cores;
        return string.Create(CultureInfo.InvariantCulture, $"{(isCore ? Core : Space)}{number}/{delay.Sequence} +{delay.Extra.Value}");
    }

    /// <summary>What the schedule does to one sender's messages; null if it does nothing.</summary>
    internal SenderDelays? Of(int sender, bool isCore)
    {
        List<MessageDelay> own = [.. Delays.Where(delay => delay.Sender == sender)];
        return own.Count == 0 ? null : new SenderDelays(own, isCore);
    }

    private static MessageDelay ParseOne(string part, int cores)
    {
        bool isCore = part.StartsWith(Core, StringComparison.Ordinal);
        if (isCore || part.StartsWith(Space, StringComparison.Ordinal))
        {
            string[] words = part[(isCore ? Core.Length : Space.Length)..].Split('/', '+');
            if (words.Length == 3 && Number(words[0], out long sender) && Number(words[1], out long sequence)
                && Number(words[2], out long extra) && sender < (isCore ? cores : int.MaxValue - cores) && extra is >= 1 and <= ExtraMax)
            {
                return new MessageDelay((int)sender + (isCore ? 0 : cores), sequence, extra);
            }
        }

        throw new ScenarioException(
            $"schedule: \"{part}\" found; delays as \"core 1/5 +2000, space 0/31 +2600\" are allowed: a core from 0 to {cores - 1} or a "
                + $"space, the number of one of its messages from 0, and 1 to {ExtraMax} cycles");
    }

    private static bool Number(string text, out long number) =>
        long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
