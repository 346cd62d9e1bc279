import json, pandas as pd, sys
out={}
rows='name,tag\nGrüße,a\n"zwei\r\nZeilen",b\n"x,y",c\n'
def put(name, data, encoding=None, **kw):
    open('testdata/csv/'+name,'wb').write(data)
    t=pd.read_csv('testdata/csv/'+name, encoding=encoding, dtype=str, keep_default_na=False, **kw)
    out[name]={'encoding':encoding or '', 'columns':[str(c) for c in t.columns], 'rows':t.values.tolist()}
put('utf8.csv', rows.encode('utf8'))
put('bom.csv', b'\xef\xbb\xbf'+rows.encode('utf8'))
put('latin1.csv', rows.encode('latin1'), 'latin1')
put('cp1252.csv', 'name,tag\n“smart” – €,a\n'.encode('cp1252'), 'cp1252')
put('utf16.csv', rows.encode('utf-16'), 'utf-16')
put('utf16be.csv', b'\xfe\xff'+rows.encode('utf-16-be'), 'utf-16')
put('utf16le_nomark.csv', rows.encode('utf-16-le'), 'utf-16-le')
put('gbk.csv', 'name,tag\n猫,a\n狗,b\n'.encode('gbk'), 'gbk')
put('shift_jis.csv', 'name,tag\nねこ,a\n'.encode('shift_jis'), 'shift_jis')
put('cr.csv', b'name,tag\rcat,a\r"two\rlines",b\rdog,c\r')
put('crlf.csv', b'name,tag\r\ncat,a\r\ndog,c\r\n')
put('cr_last_lf.csv', b'name,tag\rcat,a\rdog,c\n')
# what stands for a missing value
words=['','NaN','nan','NA','N/A','null','NULL','None','none','na','-','NAN','Null','<NA>','#N/A','n/a','?','missing','inf','0','-nan','1.#IND']
import io
t=pd.read_csv(io.StringIO('v\n'+'\n'.join('"%s"'%w for w in words)+'\n'), dtype=str, keep_default_na=True, skip_blank_lines=False)
out['missing']={w: bool(b) for w,b in zip(words, t['v'].isna())}
json.dump(out, open('testdata/csv/pandas.json','w'), ensure_ascii=False, indent=1, sort_keys=True)
print(json.dumps(out['missing']), pd.__version__)
for k in out:
  if k!='missing': print(k,out[k])
