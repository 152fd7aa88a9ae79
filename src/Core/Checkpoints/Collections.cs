using System.Runtime.InteropServices;

namespace VmSim.Core.Checkpoints;

internal sealed class ArrayShape<T> : Shape
{
    public override void Save(StateWriter writer, object value)
    {
        T[] items = (T[])value;
        writer.Data.Write(items.Length);
        Items<T>.SaveAll(writer, items);
    }

    public override object Make(StateReader reader) => new T[reader.ReadCount()];

    public override void Fill(StateReader reader, object value) => Items<T>.ReadAll(reader, (T[])value);
}

internal sealed class ListShape<T> : Shape
{
    public override void Save(StateWriter writer, object value) => Items<T>.Save(writer, CollectionsMarshal.AsSpan((List<T>)value));

    public override object Make(StateReader reader) => new List<T>();

    public override void Fill(StateReader reader, object value) => ((List<T>)value).AddRange(Items<T>.Read(reader));
}

internal sealed class QueueShape<T> : Shape
{
    public override void Save(StateWriter writer, object value) => Items<T>.Save(writer, ((Queue<T>)value).ToArray());

    public override object Make(StateReader reader) => new Queue<T>();

    public override void Fill(StateReader reader, object value)
    {
        foreach (T item in Items<T>.Read(reader))
        {
            ((Queue<T>)value).Enqueue(item);
        }
    }
}

internal sealed class SetShape<T> : Shape
{
    public override void Save(StateWriter writer, object value)
    {
        HashSet<T> set = (HashSet<T>)value;
        writer.RequireDefault(set.Comparer, EqualityComparer<T>.Default);
        Items<T>.Save(writer, set.ToArray());
    }

    public override object Make(StateReader reader) => new HashSet<T>();

    public override void Fill(StateReader reader, object value) => ((HashSet<T>)value).UnionWith(Items<T>.Read(reader));
}

internal sealed class DictionaryShape<TKey, TValue> : Shape
    where TKey : notnull
{
    public override void Save(StateWriter writer, object value)
    {
        Dictionary<TKey, TValue> dictionary = (Dictionary<TKey, TValue>)value;
        writer.RequireDefault(dictionary.Comparer, EqualityComparer<TKey>.Default);
        Items<TKey>.Save(writer, dictionary.Keys.ToArray());
        Items<TValue>.Save(writer, dictionary.Values.ToArray());
    }

    public override object Make(StateReader reader) => new Dictionary<TKey, TValue>();

    public override void Fill(StateReader reader, object value) => reader.FillPairs((Dictionary<TKey, TValue>)value);
}

internal sealed class SortedDictionaryShape<TKey, TValue> : Shape
    where TKey : notnull
{
    public override void Save(StateWriter writer, object value)
    {
        SortedDictionary<TKey, TValue> dictionary = (SortedDictionary<TKey, TValue>)value;
        writer.RequireDefault(dictionary.Comparer, Comparer<TKey>.Default);
        Items<TKey>.Save(writer, dictionary.Keys.ToArray());
        Items<TValue>.Save(writer, dictionary.Values.ToArray());
    }

    public override object Make(StateReader reader) => new SortedDictionary<TKey, TValue>();

    public override void Fill(StateReader reader, object value) => reader.FillPairs((SortedDictionary<TKey, TValue>)value);
}
