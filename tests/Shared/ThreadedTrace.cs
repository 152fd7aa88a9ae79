using System.Globalization;
using System.Text;

namespace VmSim.Tests.Shared;

/// <summary>A drawn trace of several threads on a few pages, as text and step by step.</summary>
public sealed class ThreadedTrace
{
    /// <summary>The first of its pages.</summary>
    public const ulong FirstPage = 0x10;

    /// <summary>How many pages it has.</summary>
    public const int Pages = 6;

    private readonly List<Step> _steps = [];

    /// <summary>Draws a trace.</summary>
    /// <param name="seed">Where the draws begin.</param>
    /// <param name="length">How many steps it has.</param>
    public ThreadedTrace(int seed, int length)
    {
        Random random = new(seed);
        int threads = 1;
        int most = random.Next(2, 5);
        int changes = random.Next(0, 8);
        for (int i = 0; i < length; i++)
        {
            int thread = random.Next(threads);
            ulong page = FirstPage + (ulong)random.Next(Pages);
            int draw = random.Next(100);
            if (threads < most && draw < 15)
            {
                _steps.Add(new Step(thread, 'n', 0, 0, threads++));
            }
            else if (draw < 15 + changes)
            {
                ulong end = Math.Min(page + (ulong)random.Next(1, 4), FirstPage + Pages);
                _steps.Add(new Step(thread, draw % 2 == 0 ? 'm' : 'd', page, end));
            }
            else
            {
                _steps.Add(new Step(thread, "RRRWWWIkK"[random.Next(9)], page, page + 1));
            }
        }
    }

    /// <summary>The steps in the trace's order.</summary>
    public IReadOnlyList<Step> Steps => _steps;

    /// <summary>The trace.</summary>
    public string Text
    {
        get
        {
            StringBuilder text = new("# vmt 1 drawn pagesize 4096 filter direct-mapped sets=16\n");
            text.Append(CultureInfo.InvariantCulture, $"i {FirstPage << 12:x} {(ulong)Pages << 12:x} 3 22 - 0\n");
            int thread = -1;
            foreach (Step step in _steps)
            {
                text.Append(step.Thread == thread ? "" : $"t {step.Thread}\n").Append(step.Line).Append('\n');
                thread = step.Thread;
            }

            return text.ToString();
        }
    }

    /// <summary>A step of a thread.</summary>
    /// <param name="Thread">Its number.</param>
    /// <param name="Kind">R, W and I as in a trace, k and K for the kernel's loads and stores, m, d and n as in a trace.</param>
    /// <param name="First">The first page.</param>
    /// <param name="End">The page behind the last.</param>
    /// <param name="Made">The thread that a clone makes.</param>
    public sealed record Step(int Thread, char Kind, ulong First, ulong End, int Made = -1)
    {
        /// <summary>Whether it changes mappings.</summary>
        public bool IsChange => Kind is 'm' or 'd';

        /// <summary>Whether it uses a page.</summary>
        public bool IsUse => Kind is 'R' or 'W' or 'I' or 'k' or 'K';

        /// <summary>Whether it uses a page and writes it.</summary>
        public bool IsStore => Kind is 'W' or 'K';

        /// <summary>Its record.</summary>
        public string Line => Kind switch
        {
            'm' => $"m {First << 12:x} {(End - First) << 12:x} 3 32 - 0",
            'd' => $"d {First << 12:x} {(End - First) << 12:x} 4",
            'n' => $"n {Made + 100:x}",
            'k' => $"s {First << 12:x} 8 R",
            'K' => $"s {First << 12:x} 8 W",
            _ => $"{Kind} {First:x}",
        };

        /// <summary>Whether it has a page in common with another.</summary>
        public bool Meets(Step other) => First < other.End && other.First < End;
    }
}
